"""The calls that mozu can watch, one declaration each.

Most calls need no more than their name in one of the tables below: which arguments are descriptors, paths or numbers
stands in the table of events (`mozu.core.syscalls`), whose parameters after the result are the call's arguments in
order. Where they are not, the declaration says it, one word a parameter:

    r       the result
    0 … 5   the argument of that number
    t       both ends of the socket
    a       the socket address that was handed over
    d       the bytes that were handed over
    -       left out: an empty parameter

Texts arrive in the order of their parameters.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mozu.core.syscalls import Param, call_number, event_type

RESULT: Final = -1
NONE: Final = -1
PLAIN: Final = -2
"""The same numbers as in bpf/call.h."""
TYPE_FORK: Final = 1000
TYPE_EXIT: Final = 1001
TYPES: Final = 1002
"""The same numbers as in bpf/mozu.h; all other types have the number of their call."""


class Program(NamedTuple):
    """One kernel program at one tracepoint."""

    function: str
    """In bpf/programs."""
    family: str
    """File in bpf/programs."""
    tracepoint: str
    """Of the group `syscalls`, or for raw ones the kernel's own name."""
    raw: bool = False

    @property
    def entry(self) -> str:
        """Name of the program that calls the function."""
        return f"mozu_{self.function}"


class Shape(NamedTuple):
    """Which arguments of a call are what: struct shape of bpf/call.h."""

    fd: int = RESULT
    address: int = NONE
    text: int = NONE
    dir: int = PLAIN
    text2: int = NONE
    dir2: int = PLAIN
    text3: int = NONE
    data: int = NONE

    def packed(self) -> bytes:
        """As the map CALLS holds it."""
        return struct.pack("<8b", *self)


class Watch(NamedTuple):
    """One event type: the programs that make its records and how they are read."""

    name: str
    number: int
    decoder: str
    """Which function of the decoder reads it; the wire struct follows from it."""
    programs: tuple[Program, ...]
    order: tuple[str, ...] = ()
    """Where each parameter comes from (see above)."""
    shape: Shape = Shape()


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
    "epoll_create1": None,
    "eventfd2": "r 1 0",
    "inotify_init1": None,
    "timerfd_create": None,
    "userfaultfd": None,
}
"""Calls on a descriptor, or that make one."""

ACCEPTS: Final[dict[str, str | None]] = {"accept": "r t q 6 7", "accept4": "r t q 6 7 3"}
"""q: how full the queue is, in per cent."""

MESSAGES: Final[dict[str, str | None]] = {
    "sendto": "r d 0 2 t",
    "recvfrom": "r d t 0 2",
    "sendmsg": "r d 0 6 t",
    "recvmsg": "r 6 d t - 0",
}
"""Calls that send and receive; argument 6 is the length of all parts of a message."""

PATHS: Final[dict[str, str | None]] = {
    "access": None,
    "chmod": None,
    "chown": None,
    "delete_module": None,
    "fchmodat": None,
    "fchownat": None,
    "init_module": "r d 1 2",
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

NUMBERS: Final[dict[str, str | None]] = {
    "bpf": "r 0",
    "kill": None,
    "mlock": None,
    "mprotect": None,
    "ptrace": "r 2 3 0 1",
    "seccomp": None,
    "setfsgid": None,
    "setfsuid": None,
    "setgid": None,
    "setpgid": None,
    "setregid": None,
    "setresgid": None,
    "setresuid": None,
    "setreuid": None,
    "setsid": None,
    "setuid": None,
    "tgkill": None,
    "tkill": None,
    "unshare": None,
}
"""Calls of plain numbers."""

_DATA: Final = {"init_module": 0}
"""Call → argument with bytes; their number is the next argument."""
_ADDRESSES: Final = {"connect": 1, "bind": 1}
"""Call → argument with a socket address; its length is the next argument."""


_TRACEPOINTS: Final = {"stat": "newstat", "lstat": "newlstat", "umount2": "umount"}
"""Calls that the kernel's own functions, and so its tracepoints, call otherwise."""


def _at_exit(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sys_exit_{_TRACEPOINTS.get(name, name)}")


def _scheduler(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sched_process_{name}", raw=True)


def _sources(name: str, order: str | None) -> Iterator[tuple[Param, str]]:
    """Each parameter of an event with the word that says where it comes from."""
    declared = event_type(name)
    params = () if declared is None else declared.params
    words = ("r", *map(str, range(len(params) - 1))) if order is None else tuple(order.split())
    return zip(params, words, strict=True) if params else iter(())


def _shape(name: str, order: str | None) -> Shape:
    """Derived from the types of the parameters."""
    declared = event_type(name)
    sources = list(_sources(name, order))
    texts: list[int] = []  # argument and directory of each
    for param, word in sources:
        if word.isdigit() and param.type in ("fspath", "string"):
            texts += [int(word), NONE if param.type == "fspath" else PLAIN]
        elif word.isdigit() and param.type == "fsrelpath" and param.dirfd is not None:
            texts += [int(word), int(sources[param.dirfd][1])]
    texts += (NONE, PLAIN) * (3 - len(texts) // 2)
    makes = declared is not None and "creates_fd" in declared.traits
    fd = next((int(word) for param, word in sources if param.type == "fd" and word.isdigit()), RESULT)
    text, start, text2, start2, text3 = texts[:5]
    address, data = _ADDRESSES.get(name, NONE), _DATA.get(name, NONE)
    return Shape(RESULT if makes else fd, address, text, start, text2, start2, text3, data)


def _declared(table: dict[str, str | None], family: str) -> Iterator[Watch]:
    for name, order in table.items():
        words = tuple(word for _, word in _sources(name, order))
        program = _at_exit(name, family, f"{family}_exit")
        decoder = "descriptor" if family in ("descriptor", "accept", "message") else "call"
        yield Watch(name, _number(name), decoder, (program,), words, _shape(name, order))


def _number(name: str) -> int:
    number = call_number(name)
    if number is None:
        raise ValueError(f"{name} is no system call")
    return number


def _watches() -> Iterable[Watch]:
    done, failed = _scheduler("exec", "exec", "exec_done"), _at_exit("execve", "exec", "exec_failed")
    yield Watch("execve", _number("execve"), "process", (done, failed))
    yield Watch("execveat", _number("execveat"), "process", (_at_exit("execveat", "exec", "exec_failed"),))
    yield Watch("_fork", TYPE_FORK, "fork", (_scheduler("fork", "life", "fork_done"),))
    yield Watch("procexit", TYPE_EXIT, "exit", (_scheduler("exit", "life", "exit_done"),))
    for name in CLONES.split():
        yield Watch(name, _number(name), "process", (_at_exit(name, "life", "clone_exit"),))
    for name in OPENS.split():
        yield Watch(name, _number(name), "open", (_at_exit(name, "open", "open_exit"),))
    for name in DIRECTORIES.split():
        words = tuple(word for _, word in _sources(name, None))
        yield Watch(name, _number(name), "cwd", (_at_exit(name, "cwd", "cwd_exit"),), words)
    for name, order in (("capset", "r 0 1 2"), ("prctl", "r 0 1 1")):
        program = _at_exit(name, "session", f"{name}_exit")
        yield Watch(name, _number(name), "call", (program,), tuple(order.split()))
    yield from _declared(DESCRIPTORS, "descriptor")
    yield from _declared(ACCEPTS, "accept")
    yield from _declared(MESSAGES, "message")
    yield from _declared(PATHS, "path")
    yield from _declared(NUMBERS, "number")


WATCHES: Final[dict[str, Watch]] = {watch.name: watch for watch in _watches()}
"""Every event type that the source can give."""
