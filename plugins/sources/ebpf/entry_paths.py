"""Entry paths into the kernel besides the native call (32-bit ABI, io_uring), and the event types of each.

The programs of an entry path find the native call that a 32-bit call or a request corresponds to, and tail-call the
program of that call: every watched event type is watched on these paths too, by the same code. Requests: uring.py.

The 32-bit ABI of x86 (ia32) and arm (EABI of AArch32): a call of the same name has the same arguments as the native
one, unless the tables below say otherwise. If an argument points to a struct of words (argv, msghdr, iovec), the
programs read words of the call's own size (`arg_word` of bpf/syscall_ctx.h).

If such calls exist, on arm64 the kernel reports it: it refuses the personality of 32-bit programs if the processor, or
its configuration, has no AArch32. On x86-64 one call is made, by a child that runs a few instructions and no program.
Executing a 32-bit program from memory would show the same, and raise an alert in every other monitor.
"""

import ctypes
import mmap
import os
import signal
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.arch import AARCH64, MACHINE, Machine
from mozu.core.model.syscalls import call_name, call_number
from mozu.plugins.sources.ebpf import btf, uring
from mozu.plugins.sources.ebpf.tracepoints import Program

COMPAT_ENTRY: Final = struct.Struct("<hBB")
"""struct compat of bpf/compat.h."""
_SYSCALLS: Final = 512
"""Entries of the map COMPAT for syscall numbers; the calls of socketcall follow."""
_SOCKET_CALLS: Final = 32
COMPAT_ENTRIES: Final = _SYSCALLS + _SOCKET_CALLS
CALLED: Final = Program("called", "calls", "sys_exit", raw=True)
"""The program at the exit of every call, native ones too: see call_exits.py."""

_SAME, _SOCKET, _MEMORY, _SHORT, _HALVES, _PAGES = range(6)
"""enum form of bpf/compat.h."""
_UNWATCHED: Final = -1


class CompatForm(NamedTuple):
    """A native call, and the conversion of 32-bit arguments to its own: struct compat of bpf/compat.h."""

    name: str
    form: int = _SAME
    mask: int = 6


def _mask(*places: int) -> int:
    return sum(1 << place for place in places)


_ALIGNED: Final = 128
"""Bit of a mask: ALIGNED of bpf/compat.h."""


_DIFFERENCES: Final[dict[str, CompatForm]] = {
    "umount": CompatForm("umount2", mask=1),
    "oldstat": CompatForm("stat"),
    "oldlstat": CompatForm("lstat"),
    "oldfstat": CompatForm("fstat"),
    "stat64": CompatForm("stat"),
    "lstat64": CompatForm("lstat"),
    "fstat64": CompatForm("fstat"),
    "fstatat64": CompatForm("newfstatat"),
    "fcntl64": CompatForm("fcntl"),
    "sendfile64": CompatForm("sendfile"),
    "send": CompatForm("sendto", mask=4),
    "recv": CompatForm("recvfrom", mask=4),
    "arm_fadvise64_64": CompatForm("fadvise64"),
    "arm_sync_file_range": CompatForm("sync_file_range"),
    "mmap": CompatForm("mmap", _MEMORY),
    "mmap2": CompatForm("mmap", _PAGES),
    "truncate64": CompatForm("truncate", _HALVES, _mask(1)),
    "ftruncate64": CompatForm("ftruncate", _HALVES, _mask(1)),
    "pread64": CompatForm("pread64", _HALVES, _mask(3)),
    "pwrite64": CompatForm("pwrite64", _HALVES, _mask(3)),
    "preadv": CompatForm("preadv", _HALVES, _mask(3)),
    "pwritev": CompatForm("pwritev", _HALVES, _mask(3)),
    "fallocate": CompatForm("fallocate", _HALVES, _mask(2, 3)),
    "readahead": CompatForm("readahead", _HALVES, _mask(1)),
    "fanotify_mark": CompatForm("fanotify_mark", _HALVES, _mask(2)),
    "setuid": CompatForm("setuid", _SHORT, _mask(0)),
    "setgid": CompatForm("setgid", _SHORT, _mask(0)),
    "setfsuid": CompatForm("setfsuid", _SHORT, _mask(0)),
    "setfsgid": CompatForm("setfsgid", _SHORT, _mask(0)),
    "setreuid": CompatForm("setreuid", _SHORT, _mask(0, 1)),
    "setregid": CompatForm("setregid", _SHORT, _mask(0, 1)),
    "setresuid": CompatForm("setresuid", _SHORT, _mask(0, 1, 2)),
    "setresgid": CompatForm("setresgid", _SHORT, _mask(0, 1, 2)),
    "chown": CompatForm("chown", _SHORT, _mask(1, 2)),
    "lchown": CompatForm("lchown", _SHORT, _mask(1, 2)),
    "fchown": CompatForm("fchown", _SHORT, _mask(1, 2)),
    **{
        f"{name}32": CompatForm(name)
        for name in (
            *("setuid", "setgid", "setfsuid", "setfsgid", "setreuid", "setregid", "setresuid", "setresgid"),
            *("chown", "lchown", "fchown", "getuid", "getgid", "geteuid", "getegid", "getresuid", "getresgid"),
            "setgroups",
        )
    },
}

_LONGS: Final = frozenset({"preadv", "pwritev"})
"""Calls whose two halves are two separate arguments (unsigned long), which need no alignment."""
UNREAD: Final = frozenset(
    {
        *("getresuid", "getresgid", "getgroups", "setgroups"),
        *("nanosleep", "ppoll", "setrlimit", "getrlimit", "sendfile", "quotactl"),
    }
)
"""Calls that are not watched: calls of the same name with narrower structs or ids, which the programs do not read."""

_SOCKETCALLS: Final = {
    1: CompatForm("socket", mask=3),
    2: CompatForm("bind", mask=3),
    3: CompatForm("connect", mask=3),
    4: CompatForm("listen", mask=2),
    5: CompatForm("accept", mask=3),
    6: CompatForm("getsockname", mask=3),
    7: CompatForm("getpeername", mask=3),
    8: CompatForm("socketpair", mask=4),
    9: CompatForm("sendto", mask=4),
    10: CompatForm("recvfrom", mask=4),
    11: CompatForm("sendto", mask=6),
    12: CompatForm("recvfrom", mask=6),
    13: CompatForm("shutdown", mask=2),
    14: CompatForm("setsockopt", mask=5),
    15: CompatForm("getsockopt", mask=5),
    16: CompatForm("sendmsg", mask=3),
    17: CompatForm("recvmsg", mask=3),
    18: CompatForm("accept4", mask=4),
    19: CompatForm("recvmmsg", mask=5),
    20: CompatForm("sendmmsg", mask=4),
}
"""Calls of socketcall by its first argument; send and recv are sendto and recvfrom without an address."""


_EVENT_TYPES: Final = {call_name(spec.number): spec.name for spec in SYSCALL_SPECS.values()}
"""Event type by native call."""


def _form(name: str, machine: Machine) -> CompatForm | None:
    found = _DIFFERENCES.get(name) or (None if name in UNREAD else CompatForm(name))
    if found is not None and found.form == _HALVES and machine.compat_pairs_are_aligned and name not in _LONGS:
        return found._replace(mask=found.mask | _ALIGNED)
    return found


def _forms(machine: Machine) -> Iterator[tuple[int, CompatForm]]:
    """Yield (index in the map COMPAT, form) of every 32-bit call whose native call can be watched."""
    for number in range(_SYSCALLS):
        name = call_name(number, machine.compat_abi) or ""
        found = _form(name, machine)
        if name == "socketcall":
            yield number, CompatForm(name, _SOCKET)
        elif found is not None and found.name in _EVENT_TYPES:
            yield number, found
    for number, found in _SOCKETCALLS.items():
        if found.name in _EVENT_TYPES:
            yield _SYSCALLS + number, found


def compat_entries(machine: Machine = MACHINE) -> Iterator[tuple[int, bytes]]:
    """Yield (index, value) of the whole map COMPAT."""
    forms = dict(_forms(machine))
    for index in range(COMPAT_ENTRIES):
        _, form, mask = forms.get(index, CompatForm(""))
        number = call_number(forms[index].name) if index in forms else None
        yield index, COMPAT_ENTRY.pack(_UNWATCHED if number is None else number, form, mask)


def native_numbers(machine: Machine = MACHINE) -> Iterator[tuple[int, int]]:
    """Yield (number of a 32-bit call, mozu's number of a native call that it is or may be)."""
    forms = dict(_forms(machine))
    for number, form in forms.items():
        native = call_number(form.name)
        if number < _SYSCALLS and form.form != _SOCKET and native is not None:
            yield number, native
    socketcalls = [number for number, form in forms.items() if form.form == _SOCKET]
    for found in _SOCKETCALLS.values():
        native = call_number(found.name)
        if native is not None:
            yield from ((number, native) for number in socketcalls)


def compat_types(machine: Machine = MACHINE) -> frozenset[str]:
    """Return the event types whose calls can be 32-bit ones."""
    return frozenset(_EVENT_TYPES[form.name] for _, form in _forms(machine) if form.name in _EVENT_TYPES)


_SETTING: Final = Path("/proc/sys/abi/vsyscall32")
"""File that exists if the kernel was built with the 32-bit ABI (arch/x86/entry/vdso/vdso32-setup.c)."""

_CODE: Final = bytes.fromhex(
    "b839000000"  # mov eax, 57           fork
    "0f05"  #       syscall
    "85c0"  #       test eax, eax
    "751e"  #       jne end               the parent, or an error
    "b89d000000"  # mov eax, 157          prctl
    "bf04000000"  # mov edi, 4            PR_SET_DUMPABLE
    "31f6"  #       xor esi, esi          no core, if the next call faults
    "0f05"  #       syscall
    "b814000000"  # mov eax, 20           getpid of the 32-bit table
    "cd80"  #       int 0x80
    "b83c000000"  # mov eax, 60           exit
    "31ff"  #       xor edi, edi
    "0f05"  #       syscall
    "c3"  #    end: ret
)
"""Code of int (void), which returns the child's pid or -errno. The child makes a 32-bit call and exits, without calling
libc."""

_PER_LINUX32: Final = 8
_PRESENT: Final = 0xFFFFFFFF
"""Argument of personality(2) that only returns the present value."""
_NO_GATE: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL)
"""Signals for a process that enters the kernel by a missing gate."""


def accepts_32_bit_calls() -> bool:
    """Return True if this kernel has the 32-bit ABI (CONFIG_COMPAT, CONFIG_IA32_EMULATION), and it is not switched
    off."""
    return _has_aarch32() if MACHINE is AARCH64 else _has_ia32()


def _has_aarch32() -> bool:
    """Return True if arm64 has AArch32 (arch/arm64/kernel/sys.c). The personality is only this thread's, and is
    restored."""
    libc = ctypes.CDLL(None)
    before = libc.personality(ctypes.c_ulong(_PRESENT))
    if libc.personality(ctypes.c_ulong(_PER_LINUX32)) == -1:
        return False
    libc.personality(ctypes.c_ulong(before))
    return True


def _has_ia32() -> bool:
    """Return True if x86-64 has ia32; False also if it is switched off by ia32_emulation=0.

    Only a fault proves its absence: a child killed otherwise (for example by a seccomp filter of mozu's service), or
    memory that may not be made executable, proves nothing about other processes.
    """
    if not _SETTING.exists():
        return False
    try:
        pid = _fork_caller()
    except OSError:
        return True
    with suppress(ChildProcessError):  # SIGCHLD is ignored, and the kernel has forgotten the child
        _, status = os.waitpid(pid, 0)
        return not (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _NO_GATE)
    return True


def _fork_caller() -> int:
    """Return the pid of a child that makes the call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
        page.write(_CODE)
        start = ctypes.c_char.from_buffer(page)
        try:
            address = ctypes.addressof(start)
            # Never writable and executable at the same time: monitors report that.
            if libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC):
                raise OSError(ctypes.get_errno(), "mprotect")
            pid: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        finally:
            del start  # else the mapping could not be closed
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return pid


COMPAT: Final = "compat32"
IO_URING: Final = "io_uring"
"""Values of `SyscallEvent.entry_path`."""
ALL_CALLS: Final = "sys_exit"
"""Name under which the program of native and 32-bit calls is counted."""
Switch = Literal["auto", "on", "off"]
"""Setting of an entry path; `auto`: used if this machine's kernel accepts such calls."""


class EntryPath(NamedTuple):
    """An entry path."""

    name: str
    programs: tuple[Program, ...]
    types: frozenset[str]
    """Event types whose calls can use it."""
    array: str = "RAW_TP_PROGS"
    """Program array by which its programs, at raw tracepoints, tail-call."""


def usable_entry_paths(compat32: Switch, types: btf.Btf) -> list[EntryPath]:
    """Return the entry paths that this machine's kernel has. `types`: its BTF."""
    found: list[EntryPath] = []
    if compat32 == "on" or (compat32 == "auto" and accepts_32_bit_calls()):
        found.append(EntryPath(COMPAT, (CALLED,), compat_types()))
    if not uring.why_not(types):
        found.append(EntryPath(IO_URING, uring.programs(types), uring.types()))
    return found
