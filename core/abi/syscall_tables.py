"""Tables of system calls by family: each event type, and the operand that each of its parameters comes from.

Most calls need no more than their name: which arguments are descriptors, paths or numbers is declared in the table of
event types (`mozu.core.model.syscalls`), whose parameters after the result are the call's arguments in order. Where
they are not, the table lists the operands, one a parameter:

    r       the result                              n       the same, 0 if the call failed
    0 … 5   the argument of that number             o2      argument 2, the flags of an open
    6, 7    a value that the source finds out       z       0: only later calls of the family have this parameter
    *0+4    memory 4 bytes beyond where argument 0 points to, read when the call begins
    <0+4    the same, read when the call has returned; `-r`: less the result, by which the call has moved it on
    >0+4    the same, written by the call: absent if it failed
    d0, d1  the buffer that this argument points to; its length is the next argument
    v1      the buffers of the array of struct iovec that argument 1 points to
    t       the socket's tuple, both ends           a       the struct sockaddr that the call was given
    d       the bytes of a message                  q       how full the accept queue is, in per cent
    path, dev, ino    of the descriptor's file      own, peer    the kernel's addresses of a unix socket and its peer
    vm, rss, swap     sizes of the process, kB      -       left out: an empty parameter
    =       decoded by another parameter: `mozu.core.abi.special`

A parameter that is a text is read from what its argument points to. Of kernel events that are no calls, 0 … 5 are the
numbers that the source finds at the tracepoint.
"""

from collections.abc import Mapping
from typing import Final

from mozu.core.abi.spec import FIRST_EVENT

Table = Mapping[str, str | None]
"""Event type → operands; None: the result, then the arguments in order; empty: read by code of the family's own."""

_OWN_CODE: Final = ""

_EXECS: Final[Table] = dict.fromkeys(("execve", "execveat"), _OWN_CODE)

_CLONES: Final[Table] = dict.fromkeys(("fork", "vfork", "clone", "clone3"), _OWN_CODE)

VFORK_FLAGS: Final = 0x4100
"""Flags CLONE_VFORK | CLONE_VM: vfork has no argument for them."""

_OPENS: Final[Table] = dict.fromkeys(("open", "openat", "openat2", "creat"), _OWN_CODE)

_DIRECTORIES: Final[Table] = dict.fromkeys(("chdir", "fchdir", "chroot"))
"""Calls that change the working directory or the root."""

_SESSIONS: Final[Table] = {"capset": "r 0 1 2", "prctl": "r 0 1 1"}

_DESCRIPTORS: Final[Table] = {
    "connect": "r t 0 a",
    "socket": "r 0 1 2 1",
    "bind": "r a 0",
    "listen": None,
    "shutdown": None,
    "dup": None,
    "dup2": None,
    "dup3": None,
    "close": None,
    "fcntl": None,
    "ioctl": None,
    "flock": None,
    "fchmod": None,
    "fchown": None,
    "ftruncate": None,
    "setns": None,
    "finit_module": None,
    "memfd_create": None,
    "pidfd_open": None,
    "pidfd_getfd": None,
    "copy_file_range": "r 2 <3-r 0 <1-r 4",
    "epoll_create": None,
    "epoll_create1": None,
    "eventfd": "r 0 z",
    "eventfd2": "r 1 0",
    "fsconfig": "r 0 1 *2 = = 4",
    "fstat": "r 0",
    "getdents": "r 0",
    "getdents64": "r 0",
    "getsockopt": "r 0 1 = = <4",
    "inotify_init": "r z",
    "inotify_init1": None,
    "io_uring_enter": "r 0 1 2 3 *4",
    "io_uring_register": None,
    "io_uring_setup": "r 0 <1 <1+4 <1+8 <1+12 <1+16 <1+20",
    "lseek": None,
    "open_by_handle_at": "r 0 o2 path dev ino",
    "sendfile": "r <2-r 0 1 3",
    "setsockopt": "r 0 1 = = 4",
    "signalfd": "r 0 *1 z",
    "signalfd4": "r 3 0 *1",
    "splice": "r 0 2 4 5",
    "timerfd_create": None,
    "userfaultfd": None,
}
"""Calls on a descriptor, or that make one."""

_ACCEPTS: Final[Table] = {"accept": "r t q 6 7", "accept4": "r t q 6 7 3"}

_MESSAGES: Final[Table] = {
    "sendto": "r d 0 2 t",
    "recvfrom": "r d t 0 2",
    "sendmsg": "r d 0 6 t",
    "recvmsg": "r 6 d t - 0",
}
"""Calls that send and receive; argument 6 is the length of all buffers of a message."""

_MMSGS: Final[Table] = {"sendmmsg": "r 0 n d t", "recvmmsg": "r 0 n d t -"}
"""Calls that send and receive several messages; each is an event of its own."""

_PAIRS: Final[Table] = {
    "pipe": "r >0 >0+4 ino",
    "pipe2": "r >0 >0+4 ino 1",
    "socketpair": "r >3 >3+4 own peer 0 1 2",
}
"""Calls that make two descriptors."""

_TRANSFERS: Final[Table] = {
    "pread": "r d1 0 2 3",
    "preadv": "r n v1 0 3",
    "process_vm_readv": "r 0 v1",
    "process_vm_writev": "r 0 v1",
    "pwrite": "r d1 0 2 3",
    "pwritev": "r v1 0 6 3",
    "read": "r d1 0 2",
    "readv": "r n v1 0",
    "write": "r d1 0 2",
    "writev": "r v1 0 6",
}
"""Calls that move bytes; argument 6 is the length of all buffers."""

_MAPPINGS: Final[Table] = {
    "brk": "r vm rss swap 0",
    "mmap": "r vm rss swap 0 1 2 3 4 5",
    "munmap": "r vm rss swap 0 1",
}
"""Calls that change how much memory a process has."""

_MEMORY: Final[Table] = {
    "getcwd": "r >0",
    "getresgid": "r >0 >1 >2",
    "getresuid": "r >0 >1 >2",
    "getrlimit": "r >1 >1+8 0",
    "keyctl": "r 0 = = = =",
    "nanosleep": "r *0",
    "poll": "r <0 2",
    "ppoll": "r <0 *2 *3",
    "prlimit": "r *2 *2+8 >3 >3+8 0 1",
    "quotactl": "r *1 = = = = = = = = = = = = = = = =",
    "semop": "r 2 *1 *1+2 *1+4 *1+6 *1+8 *1+10 0",
    "setrlimit": "r *1 *1+8 0",
}
"""Calls whose arguments are in memory."""

_PATHS: Final[Table] = {
    "access": None,
    "chmod": None,
    "chown": None,
    "delete_module": None,
    "fchmodat": None,
    "fchownat": None,
    "init_module": "r d0 1 2",
    "lchown": None,
    "link": None,
    "linkat": None,
    "lstat": None,
    "mkdir": None,
    "mkdirat": None,
    "mknod": None,
    "mknodat": None,
    "mount": None,
    "newfstatat": "r 0 1 3",
    "rename": None,
    "renameat": None,
    "renameat2": None,
    "rmdir": None,
    "stat": None,
    "symlink": None,
    "symlinkat": None,
    "umount2": None,
    "unlink": None,
    "unlinkat": None,
}
"""Calls with one to three texts."""

_OWN_PATHS: Final[Table] = {
    "acct": None,
    "add_key": "r 0 1 4",
    "faccessat": None,
    "faccessat2": None,
    "fanotify_mark": None,
    "fchmodat2": None,
    "fgetxattr": None,
    "fremovexattr": None,
    "fsetxattr": "r 0 1 3 4",
    "fsopen": None,
    "fspick": None,
    "futimesat": None,
    "getxattr": None,
    "inotify_add_watch": None,
    "lgetxattr": None,
    "listxattr": None,
    "llistxattr": None,
    "lremovexattr": None,
    "lsetxattr": "r 0 1 3 4",
    "mount_setattr": None,
    "move_mount": None,
    "mq_open": None,
    "mq_unlink": None,
    "name_to_handle_at": "r 0 1 4",
    "open_tree": None,
    "pivot_root": None,
    "readlink": None,
    "readlinkat": None,
    "removexattr": None,
    "removexattrat": None,
    "request_key": None,
    "setdomainname": "r d0 1",
    "sethostname": "r d0 1",
    "setxattr": "r 0 1 3 4",
    "setxattrat": None,
    "statfs": None,
    "statx": None,
    "swapoff": None,
    "swapon": None,
    "truncate": None,
    "utime": None,
    "utimensat": "r 0 1 3",
    "utimes": None,
}
"""Calls with texts whose parameters are mozu's own."""

_IDENTITIES: Final[Table] = dict.fromkeys(
    ("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid")
)
"""Calls that change user and group ids."""

_NUMBERS: Final[Table] = {
    "bpf": "r 0",
    "close_range": None,
    "epoll_wait": "r 2",
    "futex": None,
    "getegid": None,
    "geteuid": None,
    "getgid": None,
    "getuid": None,
    "kill": None,
    "mlock": None,
    "mlock2": None,
    "mlockall": None,
    "mprotect": None,
    "munlock": None,
    "munlockall": None,
    "ptrace": "r 2 3 0 1",
    "seccomp": None,
    "select": None,
    "semctl": "r 0 1 2 =",
    "semget": None,
    "setpgid": None,
    "setsid": None,
    "tgkill": None,
    "tkill": None,
    "unshare": None,
}
"""Calls of plain numbers."""

_OWN_NUMBERS: Final[Table] = {
    "fallocate": None,
    "flistxattr": None,
    "fsmount": None,
    "ioperm": None,
    "iopl": None,
    "kexec_file_load": "r 0 1 4",
    "madvise": None,
    "memfd_secret": None,
    "perf_event_open": "r 1 2 3 4",
    "personality": None,
    "pidfd_send_signal": "r 0 1 3",
    "pkey_mprotect": None,
    "process_madvise": "r 0 3 4",
    "reboot": "r 2",
    "rt_sigqueueinfo": None,
    "rt_tgsigqueueinfo": None,
    "syslog": None,
    "tee": None,
    "umask": None,
}
"""Calls of plain numbers whose parameters are mozu's own."""

FAMILIES: Final[Mapping[str, Table]] = {
    "exec": _EXECS,
    "clone": _CLONES,
    "open": _OPENS,
    "cwd": _DIRECTORIES,
    "session": _SESSIONS,
    "descriptor": _DESCRIPTORS,
    "accept": _ACCEPTS,
    "message": _MESSAGES,
    "mmsg": _MMSGS,
    "pair": _PAIRS,
    "transfer": _TRANSFERS,
    "mapping": _MAPPINGS,
    "memory": _MEMORY,
    "path": {**_PATHS, **_OWN_PATHS},
    "identity": _IDENTITIES,
    "number": {**_NUMBERS, **_OWN_NUMBERS},
}
"""Family → its calls. Calls without parameters belong to `number` without being listed."""

KERNEL_EVENTS: Final[Mapping[str, tuple[int, str, str]]] = {
    "_fork": (FIRST_EVENT, "fork", _OWN_CODE),
    "procexit": (FIRST_EVENT + 1, "exit", _OWN_CODE),
    "signaldeliver": (FIRST_EVENT + 2, "signal", "= 1 2"),
    "switch": (FIRST_EVENT + 3, "switch", "0 1 2 3 4 5"),
    "page_fault": (FIRST_EVENT + 4, "fault", "0 1 2"),
    "_cgroup": (FIRST_EVENT + 5, "cgroup", _OWN_CODE),
}
"""Events that are no calls: number, family, operands. bpf/mozu.h has the same numbers."""
NUMBERS_END: Final = FIRST_EVENT + len(KERNEL_EVENTS)
TRACEPOINT_EVENTS: Final = frozenset({"signaldeliver", "switch", "page_fault"})
"""Events that a machine makes by the thousand, so that only a rule that names them gets them."""
UNRETURNING: Final = frozenset({"exit", "exit_group", "rt_sigreturn"})
"""Calls that never return to their caller, so that there is no exit to emit an event at."""
