"""Conversion of this machine's kernel numbers to the numbering that rules see (`core.model.syscalls.flag_tables`).

The kernel's numbers are those of its own user-space headers (`asm-generic/fcntl.h`, `linux/sched.h`, `linux/mman.h` …).
Tables that are not mentioned here have the same numbers on both sides.
"""

import functools
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.arch import MACHINE
from mozu.core.model.syscalls.flags import flag_table
from mozu.core.model.syscalls.runs import spread

_ACCMODE: Final = 0o3
_CREAT: Final = 0o100
_TMPFILE: Final = MACHINE.open_flags["O_TMPFILE"]
_PERMISSIONS: Final = 0o7777
_MOUNT_MAGIC: Final = 0xC0ED0000
_MOUNT_MAGIC_MASK: Final = 0xFFFF0000
_SOL_SOCKET: Final = 1

_OPEN: Final = {
    "O_CREAT": _CREAT,
    "O_TMPFILE": _TMPFILE,
    "O_APPEND": 0o2000,
    "O_DSYNC": 0o10000,
    "O_EXCL": 0o200,
    "O_NONBLOCK": 0o4000,
    "O_SYNC": 0o4010000,
    "O_TRUNC": 0o1000,
    "O_DIRECT": MACHINE.open_flags["O_DIRECT"],
    "O_DIRECTORY": MACHINE.open_flags["O_DIRECTORY"],
    "O_LARGEFILE": MACHINE.open_flags["O_LARGEFILE"],
    "O_CLOEXEC": 0o2000000,
}
KERNEL_BITS: Final[dict[str, dict[str, int]]] = {
    "clone_flags": {
        "CLONE_FILES": 0x400,
        "CLONE_FS": 0x200,
        "CLONE_IO": 0x80000000,
        "CLONE_NEWIPC": 0x8000000,
        "CLONE_NEWNET": 0x40000000,
        "CLONE_NEWNS": 0x20000,
        "CLONE_NEWPID": 0x20000000,
        "CLONE_NEWUTS": 0x4000000,
        "CLONE_PARENT": 0x8000,
        "CLONE_PARENT_SETTID": 0x100000,
        "CLONE_PTRACE": 0x2000,
        "CLONE_SIGHAND": 0x800,
        "CLONE_SYSVSEM": 0x40000,
        "CLONE_THREAD": 0x10000,
        "CLONE_UNTRACED": 0x800000,
        "CLONE_VM": 0x100,
        "CLONE_NEWUSER": 0x10000000,
        "CLONE_CHILD_CLEARTID": 0x200000,
        "CLONE_CHILD_SETTID": 0x1000000,
        "CLONE_SETTLS": 0x80000,
        "CLONE_VFORK": 0x4000,
        "CLONE_NEWCGROUP": 0x2000000,
    },
    "prot_flags": {
        "PROT_READ": 1,
        "PROT_WRITE": 2,
        "PROT_EXEC": 4,
        "PROT_SEM": 8,
        "PROT_GROWSDOWN": 0x1000000,
        "PROT_GROWSUP": 0x2000000,
    },
    "mmap_flags": {
        "MAP_SHARED": 1,
        "MAP_PRIVATE": 2,
        "MAP_FIXED": 0x10,
        "MAP_ANONYMOUS": 0x20,
        "MAP_32BIT": 0x40,
        "MAP_NORESERVE": 0x4000,
        "MAP_POPULATE": 0x8000,
        "MAP_NONBLOCK": 0x10000,
        "MAP_GROWSDOWN": 0x100,
        "MAP_DENYWRITE": 0x800,
        "MAP_EXECUTABLE": 0x1000,
        "MAP_LOCKED": 0x2000,
    },
    "file_flags": {"O_CLOEXEC": 0o2000000, "O_NONBLOCK": 0o4000, "O_DIRECT": MACHINE.open_flags["O_DIRECT"]},
    "fchownat_flags": {"AT_SYMLINK_NOFOLLOW": 0x100, "AT_EMPTY_PATH": 0x1000},
    "execveat_flags": {"AT_EMPTY_PATH": 0x1000, "AT_SYMLINK_NOFOLLOW": 0x100},
    "openat2_flags": {
        "RESOLVE_NO_XDEV": 1,
        "RESOLVE_NO_MAGICLINKS": 2,
        "RESOLVE_NO_SYMLINKS": 4,
        "RESOLVE_BENEATH": 8,
        "RESOLVE_IN_ROOT": 0x10,
        "RESOLVE_CACHED": 0x20,
    },
    "io_uring_setup_flags": {
        "IORING_SETUP_IOPOLL": 1,
        "IORING_SETUP_SQPOLL": 2,
        "IORING_SETUP_SQ_AFF": 4,
        "IORING_SETUP_CQSIZE": 8,
        "IORING_SETUP_CLAMP": 0x10,
        "IORING_SETUP_ATTACH_RW": 0x20,
        "IORING_SETUP_R_DISABLED": 0x40,
    },
    "poll_flags": {
        "POLLIN": 1,
        "POLLPRI": 2,
        "POLLOUT": 4,
        "POLLRDHUP": 0x2000,
        "POLLERR": 8,
        "POLLHUP": 0x10,
        "POLLNVAL": 0x20,
        "POLLRDNORM": 0x40,
        "POLLRDBAND": 0x80,
        "POLLWRNORM": 0x100,
        "POLLWRBAND": 0x200,
    },
    "semop_flags": {"IPC_NOWAIT": 0o4000, "SEM_UNDO": 0x1000},
    "semget_flags": {"IPC_CREAT": 0o1000, "IPC_EXCL": 0o2000},
    "epoll_create1_flags": {"EPOLL_CLOEXEC": 0o2000000},
    "pidfd_open_flags": {"PIDFD_NONBLOCK": 0o4000},
    "delete_module_flags": {"O_NONBLOCK": 0o4000, "O_TRUNC": 0o1000},
}
"""Table → name → the kernel's bits."""

KERNEL_CODES: Final[dict[str, tuple[dict[int, str], int]]] = {
    "fcntl_commands": (
        {
            0: "F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_SETOWN F_GETOWN F_SETSIG F_GETSIG",
            12: "F_GETLK64 F_SETLK64 F_SETLKW64 F_SETOWN_EX F_GETOWN_EX",
            36: "F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW",
            1024: "F_SETLEASE F_GETLEASE F_NOTIFY",
            1029: "F_CANCELLK F_DUPFD_CLOEXEC F_SETPIPE_SZ F_GETPIPE_SZ",
        },
        0,
    ),
    "ptrace_requests": (
        {
            0: "PTRACE_TRACEME PTRACE_PEEKTEXT PTRACE_PEEKDATA PTRACE_PEEKUSR PTRACE_POKETEXT PTRACE_POKEDATA",
            6: "PTRACE_POKEUSR PTRACE_CONT PTRACE_KILL PTRACE_SINGLESTEP",
            12: "PTRACE_GETREGS PTRACE_SETREGS PTRACE_GETFPREGS PTRACE_SETFPREGS PTRACE_ATTACH PTRACE_DETACH",
            18: "PTRACE_GETFPXREGS PTRACE_SETFPXREGS",
            21: "PTRACE_OLDSETOPTIONS",
            24: "PTRACE_SYSCALL PTRACE_GET_THREAD_AREA PTRACE_SET_THREAD_AREA",
            30: "PTRACE_ARCH_PRCTL PTRACE_SYSEMU PTRACE_SYSEMU_SINGLESTEP PTRACE_SINGLEBLOCK",
            0x4200: "PTRACE_SETOPTIONS PTRACE_GETEVENTMSG PTRACE_GETSIGINFO PTRACE_SETSIGINFO PTRACE_GETREGSET",
            0x4205: "PTRACE_SETREGSET PTRACE_SEIZE PTRACE_INTERRUPT PTRACE_LISTEN PTRACE_PEEKSIGINFO",
            0x420A: "PTRACE_GETSIGMASK PTRACE_SETSIGMASK",
        },
        0,
    ),
    "semctl_commands": (
        {
            0: "IPC_RMID IPC_SET IPC_STAT IPC_INFO",
            11: "GETPID GETVAL GETALL GETNCNT GETZCNT SETVAL SETALL SEM_STAT SEM_INFO",
        },
        0,
    ),
    "sockopt_levels": ({1: "SOL_SOCKET", 6: "SOL_TCP"}, 0),
    "quotactl_cmds": (
        {
            0x800001: "Q_SYNC Q_QUOTAON Q_QUOTAOFF Q_GETFMT Q_GETINFO Q_SETINFO Q_GETQUOTA Q_SETQUOTA",
            0x5801: "Q_XQUOTAON Q_XQUOTAOFF Q_XGETQUOTA Q_XSETQLIM Q_XGETQSTAT Q_XQUOTARM Q_XQUOTASYNC",
        },
        0,
    ),
    "quotactl_types": ({0: "USRQUOTA GRPQUOTA"}, 0),
    "quotactl_quota_fmts": ({1: "QFMT_VFS_OLD QFMT_VFS_V0", 4: "QFMT_VFS_V1"}, 1),
    "quotactl_dqi_flags": ({0: "DQF_NONE V1_DQF_RSQUASH"}, 0),
}
"""Table → runs of the kernel's codes, and the number for a code without a name."""

_SAME: Final = frozenset(
    (
        "close_range_flags",
        "finit_module_flags",
        "flock_flags",
        "io_uring_enter_flags",
        "io_uring_setup_feats",
        "linkat_flags",
        "memfd_create_flags",
        "mlock2_flags",
        "mlockall_flags",
        "newfstatat_flags",
        "renameat2_flags",
        "splice_flags",
        "umount_flags",
        "unlinkat_flags",
    )
)
"""Tables whose bits have the kernel's numbers; bits without a name are dropped."""

_SOCKET_OPTIONS: Final = {
    55: "SO_MEMINFO",
    57: "SO_COOKIE",
    59: "SO_PEERGROUPS",
    66: "SO_RCVTIMEO",
    67: "SO_SNDTIMEO",
}
"""Options of SOL_SOCKET whose number differs; up to 50 both sides agree."""


@cached(4096)
def convert_open_flags(native: int, *, created: bool = False, upper: bool = False, lower: bool = False) -> int:
    """Return the flags of an open. `created`: the kernel made the file; `upper`, `lower`: the overlay's layer that
    holds it.

    As in Falco, a flag shows if any of its bits is set: O_DIRECTORY brings O_TMPFILE, O_DSYNC brings O_SYNC.
    """
    numbers = dict(flag_table("file_flags"))
    access = {1: "O_WRONLY", 2: "O_RDWR"}.get(native & _ACCMODE, "O_RDONLY")
    names = [access, *(name for name, bits in _OPEN.items() if native & bits)]
    names += [
        name
        for name, given in (("O_F_CREATED", created), ("FD_UPPER_LAYER", upper), ("FD_LOWER_LAYER", lower))
        if given
    ]
    return _union(numbers, names)


def creat_flags(*, upper: bool = False, lower: bool = False) -> int:
    """Return the parameter `creat_flags` of creat."""
    return (1 if upper else 0) | (2 if lower else 0)


def open_mode(native_flags: int, mode: int) -> int:
    """Return the mode of an open: 0 unless its flags can create a file."""
    return mode & _PERMISSIONS if native_flags & (_CREAT | _TMPFILE) else 0


@cached(1024)
def convert_clone_flags(native: int, *, in_pidns: bool = False) -> int:
    """Return the flags of clone, unshare, setns. `in_pidns`: the child lives in a pid namespace other than the
    host's."""
    flags = convert_flags("clone_flags", native)
    return flags | dict(flag_table("clone_flags"))["CLONE_CHILD_IN_PIDNS"] if in_pidns else flags


@cached(1024)
def convert_socket_option(level: int, option: int) -> int:
    """Return the parameter `optname` of getsockopt and setsockopt; 0 if the level is not SOL_SOCKET."""
    if level != _SOL_SOCKET:
        return 0
    numbers = dict(flag_table("sockopt_options"))
    if option in _SOCKET_OPTIONS:
        return numbers[_SOCKET_OPTIONS[option]]
    return option if option <= 50 and option in numbers.values() else 0


def quota_command(native: int) -> tuple[int, int]:
    """Return the parameters (`cmd`, `type`) of quotactl, which the kernel receives in one number."""
    command = native >> 8 & 0xFFFFFF
    return convert_flags("quotactl_cmds", command), convert_flags("quotactl_types", native & 0xFF)


@cached(4096)
def convert_flags(table: str, native: int) -> int:
    """Return a kernel number in the numbering of a table; the same number if both sides agree.

    For `file_flags` this is the short set of descriptor flags (pipe2, dup3, eventfd2, socket …) without access mode.
    """
    special = _SPECIAL.get(table)
    if special is not None:
        return special(native)
    if table in KERNEL_BITS:
        bits = KERNEL_BITS[table]
        return _union(dict(flag_table(table)), [name for name, mask in bits.items() if native & mask])
    if table in KERNEL_CODES:
        return _numbers_of_codes(table).get(native, KERNEL_CODES[table][1])
    if table in _SAME:
        return native & _union(dict(flag_table(table)), [name for name, _ in flag_table(table)])
    return native


@functools.cache
def _numbers_of_codes(table: str) -> dict[int, int]:
    """Return the kernel's number → the table's, for the codes that have a name."""
    numbers = dict(flag_table(table))
    return {code: numbers[name] for code, name in spread(KERNEL_CODES[table][0]).items()}


def native_codes(table: str, wanted: AbstractSet[int], end: int) -> list[int]:
    """Return, in order, the kernel's codes below `end` whose number in a table of codes is one of `wanted`."""
    if table in KERNEL_CODES and KERNEL_CODES[table][1] not in wanted:  # otherwise nameless codes are wanted too
        return sorted(code for code, number in _numbers_of_codes(table).items() if number in wanted and code < end)
    return [code for code in range(end) if convert_flags(table, code) in wanted]


def nameless_code(table: str) -> int | None:
    """Return the table's number for kernel codes without a name; None if they stay unchanged."""
    return KERNEL_CODES[table][1] if table in KERNEL_CODES else None


def _union(numbers: Mapping[str, int], names: list[str]) -> int:
    whole = 0
    for name in names:
        whole |= numbers[name]
    return whole


def _mount(native: int) -> int:
    return native & ~_MOUNT_MAGIC_MASK if native & _MOUNT_MAGIC_MASK == _MOUNT_MAGIC else native


_FAULT: Final = (
    (0x1, "PROTECTION_VIOLATION", "PAGE_NOT_PRESENT"),
    (0x2, "WRITE_ACCESS", "READ_ACCESS"),
    (0x4, "USER_FAULT", "SUPERVISOR_FAULT"),
    (0x8, "RESERVED_PAGE", ""),
    (0x10, "INSTRUCTION_FETCH", ""),
)
"""Bits of the processor's error code (Intel SDM volume 3, 4.7): bit, name if it is set, name if it is not."""


def _fault(native: int) -> int:
    names = [present if native & bit else absent for bit, present, absent in _FAULT]
    return _union(dict(flag_table("pf_flags")), [name for name in names if name])


_SPECIAL: Final[Mapping[str, Callable[[int], int]]] = {
    "mount_flags": _mount,
    "access_flags": lambda native: native & 7,
    "chmod_mode": lambda native: native & _PERMISSIONS,
    "pf_flags": functools.lru_cache(_fault),
    "mknod_mode": lambda native: native & 0o177777,
    "shutdown_how": lambda native: native if native in (0, 1, 2) else 0xFFFF,
    "rlimit_resources": lambda native: native if 0 <= native <= 15 else 0xFF,
}
