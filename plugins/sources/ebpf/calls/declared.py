"""The calls that mozu can watch, one declaration each, and the few things that are no calls.

Most calls need no more than their name in one of the tables below: which arguments are descriptors, paths or numbers
stands in the table of events (`mozu.core.model.syscalls`), whose parameters after the result are the call's arguments
in order. Where they are not, the declaration says it, one word a parameter:

    r       the result                              n       the same, 0 where the call failed
    0 … 5   the argument of that number             o2      argument 2, which holds flags of an open
    *0+4    what lies 4 bytes beyond the place that argument 0 points to
    <0+4    the same, as it stands when the call has returned; `-r`: less the result, by which the call moved it on
    >0+4    the same, which the call wrote: nothing where it failed
    d1      the bytes at argument 1; how many there are, the next argument says
    v1      the bytes of the parts in the array of struct iovec at argument 1
    t       both ends of the socket                 a       the socket address that was handed over
    d       the bytes of a message                  q       how full the queue is, in per cent
    path, dev, ino    of the descriptor's file      own, peer    the kernel's addresses of a unix socket and its peer
    vm, rss, swap     sizes of the process, kB      z       nothing: 0, for what only later calls of the family have
    -       left out: an empty parameter            =       read in a way of its own (decode/special.py)

Of what is no call, 0 … 5 are the numbers that the program in the kernel tells.

Texts arrive in the order of their parameters.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from mozu.core.model.syscalls import call_number, event_type, event_types
from mozu.plugins.sources.ebpf.calls.watch import Program, SyscallSpec
from mozu.plugins.sources.ebpf.calls.words import shape_of, sources

TYPE_FORK: Final = 1000
TYPE_EXIT: Final = 1001
TYPE_SIGNAL: Final = 1002
TYPE_SWITCH: Final = 1003
TYPE_FAULT: Final = 1004
TYPES: Final = 1005
"""The same numbers as in bpf/mozu.h; all other types have the number of their call."""

OPENS: Final = "open openat openat2 creat"
CLONES: Final = "fork vfork clone clone3"
DIRECTORIES: Final = "chdir fchdir chroot"

DESCRIPTORS: Final[dict[str, str | None]] = {
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

PAIRS: Final[dict[str, str | None]] = {
    "pipe": "r >0 >0+4 ino",
    "pipe2": "r >0 >0+4 ino 1",
    "socketpair": "r >3 >3+4 own peer 0 1 2",
}
"""Calls that make two descriptors."""

TRANSFERS: Final[dict[str, str | None]] = {
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
"""Calls that move bytes; argument 6 is the length of all parts."""

ACCEPTS: Final[dict[str, str | None]] = {"accept": "r t q 6 7", "accept4": "r t q 6 7 3"}

MESSAGES: Final[dict[str, str | None]] = {
    "sendto": "r d 0 2 t",
    "recvfrom": "r d t 0 2",
    "sendmsg": "r d 0 6 t",
    "recvmsg": "r 6 d t - 0",
}
"""Calls that send and receive; argument 6 is the length of all parts of a message."""

BATCHES: Final[dict[str, str | None]] = {"sendmmsg": "r 0 n d t", "recvmmsg": "r 0 n d t -"}
"""Calls that send and receive several messages; each is an event of its own."""

PATHS: Final[dict[str, str | None]] = {
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

MAPPINGS: Final[dict[str, str | None]] = {
    "brk": "r vm rss swap 0",
    "mmap": "r vm rss swap 0 1 2 3 4 5",
    "munmap": "r vm rss swap 0 1",
}
"""Calls that change how much memory a process has."""

MEMORY: Final[dict[str, str | None]] = {
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
"""Calls whose arguments lie in memory."""

NUMBERS: Final[dict[str, str | None]] = {
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

IDENTITIES: Final[dict[str, str | None]] = dict.fromkeys(
    ("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid")
)
"""Calls that change who the caller is."""

MOMENTS: Final[dict[str, tuple[int, str, tuple[Program, ...]]]] = {
    "signaldeliver": (TYPE_SIGNAL, "= 1 2", (Program("signal_delivered", "signal", "signal_deliver", True, "signal"),)),
    "switch": (TYPE_SWITCH, "0 1 2 3 4 5", (Program("switched", "switch", "sched_switch", True, "sched"),)),
    "page_fault": (
        TYPE_FAULT,
        "0 1 2",
        tuple(Program("faulted", "fault", f"page_fault_{whose}", True, "exceptions") for whose in ("user", "kernel")),
    ),
}
"""What is no call: number of the type, where the parameters come from, programs. A machine does these by the thousand,
so that only a rule that names them gets them."""

UNRETURNING: Final = frozenset({"exit", "exit_group", "rt_sigreturn"})
"""Calls that never come back to their caller, so that nothing can be told when they do."""


def _bare() -> dict[str, str | None]:
    """Calls whose events have no parameters: that they were made is all that is told."""
    return {
        name: None
        for name, kind in event_types().items()
        if kind.kind == "syscall" and not kind.params and kind.calls == (name,)
        and call_number(name) is not None and name not in UNRETURNING and name not in IDENTITIES
    }  # fmt: skip


_TRACEPOINTS: Final = {
    "fstat": "newfstat", "lstat": "newlstat", "sendfile": "sendfile64", "stat": "newstat", "umount2": "umount",
    "uname": "newuname",
}  # fmt: skip
"""Calls that the kernel's own functions, and so its tracepoints, call otherwise."""
_DECODERS: Final = {
    "descriptor": "descriptor", "accept": "descriptor", "message": "descriptor", "messages": "descriptor",
    "pair": "descriptor", "transfer": "descriptor", "mapping": "descriptor", "memory": "memory",
    "identity": "identity",
}  # fmt: skip
"""Family → function of the decoder; `call` for the others."""


def _at_exit(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sys_exit_{_TRACEPOINTS.get(name, name)}")


def _scheduler(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sched_process_{name}", raw=True, group="sched")


def _declared(table: dict[str, str | None], family: str) -> Iterator[SyscallSpec]:
    for name, order in table.items():
        words = tuple(word for _, word in sources(name, order))
        program = _at_exit(_call(name), family, f"{family}_exit")
        yield SyscallSpec(name, _number(name), _DECODERS.get(family, "call"), (program,), words, shape_of(name, order))


def _call(name: str) -> str:
    """The kernel's name of the call behind an event type."""
    declared = event_type(name)
    return name if declared is None or not declared.calls else declared.calls[0]


def _number(name: str) -> int:
    number = call_number(_call(name))
    if number is None:
        raise ValueError(f"{name} is no system call")
    return number


def _watches() -> Iterable[SyscallSpec]:
    done, failed = _scheduler("exec", "exec", "process_executed"), _at_exit("execve", "exec", "execve_failed")
    yield SyscallSpec("execve", _number("execve"), "process", (done, failed))
    yield SyscallSpec("execveat", _number("execveat"), "process", (_at_exit("execveat", "exec", "execve_failed"),))
    yield SyscallSpec("_fork", TYPE_FORK, "fork", (_scheduler("fork", "life", "process_forked"),))
    yield SyscallSpec("procexit", TYPE_EXIT, "exit", (_scheduler("exit", "life", "process_exited"),))
    for name, (number, order, programs) in MOMENTS.items():
        yield SyscallSpec(name, number, "call", programs, tuple(order.split()))
    for name in CLONES.split():
        yield SyscallSpec(name, _number(name), "process", (_at_exit(name, "life", "clone_exit"),))
    for name in OPENS.split():
        yield SyscallSpec(name, _number(name), "open", (_at_exit(name, "open", "open_exit"),))
    for name in DIRECTORIES.split():
        words = tuple(word for _, word in sources(name, None))
        yield SyscallSpec(name, _number(name), "cwd", (_at_exit(name, "cwd", "cwd_exit"),), words)
    for name, order in (("capset", "r 0 1 2"), ("prctl", "r 0 1 1")):
        program = _at_exit(name, "session", f"{name}_exit")
        yield SyscallSpec(name, _number(name), "call", (program,), tuple(order.split()))
    yield from _declared(DESCRIPTORS, "descriptor")
    yield from _declared(ACCEPTS, "accept")
    yield from _declared(MESSAGES, "message")
    yield from _declared(BATCHES, "messages")
    yield from _declared(PAIRS, "pair")
    yield from _declared(TRANSFERS, "transfer")
    yield from _declared(MAPPINGS, "mapping")
    yield from _declared(MEMORY, "memory")
    yield from _declared(PATHS, "path")
    yield from _declared(IDENTITIES, "identity")
    yield from _declared({**NUMBERS, **_bare()}, "number")


WATCHES: Final[dict[str, SyscallSpec]] = {watch.name: watch for watch in _watches()}
"""Every event type that the source can give."""
EVERY: Final = frozenset(
    name
    for name in WATCHES
    if (kind := event_type(name)) is not None and kind.default != "ignored" and name not in MOMENTS
)
"""What a rule without `evt.type` asks for: all but plain reads and writes and what is no call, which only a rule that
names them gets."""
