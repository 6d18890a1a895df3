"""The calls that mozu can watch, one declaration each.

Most calls need no more than their name in one of the tables below: which arguments are descriptors, paths or numbers
stands in the table of events (`mozu.core.syscalls`), whose parameters after the result are the call's arguments in
order. Where they are not, the declaration says it, one word a parameter:

    r       the result
    0 … 5   the argument of that number
    t       both ends of the socket
    a       the socket address that was handed over
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


class Shape(NamedTuple):
    """Which arguments of a call are what: struct shape of bpf/call.h."""

    fd: int = RESULT
    address: int = NONE
    text: int = NONE
    dir: int = PLAIN
    text2: int = NONE
    dir2: int = PLAIN

    def packed(self) -> bytes:
        """As the map CALLS holds it."""
        return struct.pack("<6b2x", *self)


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
    "dup": None,
    "dup2": None,
    "dup3": None,
    "close": None,
    "fchmod": None,
    "setns": None,
}
"""Calls on a descriptor, or that make one."""

PATHS: Final[dict[str, str | None]] = {
    "link": None,
    "linkat": None,
    "symlink": None,
    "symlinkat": None,
    "unlink": None,
    "unlinkat": None,
    "rename": None,
    "renameat": None,
    "renameat2": None,
    "mkdir": None,
    "mkdirat": None,
    "rmdir": None,
    "chmod": None,
    "fchmodat": None,
}
"""Calls with one or two texts."""

NUMBERS: Final[dict[str, str | None]] = {
    "setuid": None,
    "setgid": None,
    "setreuid": None,
    "setregid": None,
    "setresuid": None,
    "setresgid": None,
    "setfsuid": None,
    "setfsgid": None,
    "setsid": None,
    "setpgid": None,
    "unshare": None,
}
"""Calls of plain numbers."""

_ADDRESSES: Final = {"connect": 1, "bind": 1, "sendto": 4}
"""Call → argument with a socket address; its length is the next argument."""


def _at_exit(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sys_exit_{name}")


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
    texts: list[int] = []
    for param, word in sources:
        if word.isdigit() and param.type in ("fspath", "string"):
            texts += [int(word), NONE if param.type == "fspath" else PLAIN]
        elif word.isdigit() and param.type == "fsrelpath" and param.dirfd is not None:
            texts += [int(word), int(sources[param.dirfd][1])]
    texts += (NONE, PLAIN) * (2 - len(texts) // 2)
    makes = declared is not None and "creates_fd" in declared.traits
    fd = next((int(word) for param, word in sources if param.type == "fd" and word.isdigit()), RESULT)
    return Shape(RESULT if makes else fd, _ADDRESSES.get(name, NONE), *texts[:4])


def _declared(table: dict[str, str | None], family: str) -> Iterator[Watch]:
    for name, order in table.items():
        words = tuple(word for _, word in _sources(name, order))
        program = _at_exit(name, family, f"{family}_exit")
        decoder = "descriptor" if family == "descriptor" else "call"
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
    yield from _declared(DESCRIPTORS, "descriptor")
    yield from _declared(PATHS, "path")
    yield from _declared(NUMBERS, "number")


WATCHES: Final[dict[str, Watch]] = {watch.name: watch for watch in _watches()}
"""Every event type that the source can give."""
