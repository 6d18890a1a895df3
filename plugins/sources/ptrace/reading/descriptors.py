"""Calls on a descriptor, or that make one or two; connections; reads and writes; maps."""

from collections.abc import Callable
from stat import S_ISSOCK
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from mozu.core.abi.integers import register_reader, signed32
from mozu.core.abi.limits import SOCKADDR_MAX
from mozu.core.abi.memory import operand_reader
from mozu.core.abi.sockets import (
    EINPROGRESS,
    INCOMING,
    ROLES,
    SOCKET_FLAGS,
    SocketInfo,
    inbound,
    outbound,
    parse_sockaddr,
    socket_file,
)
from mozu.core.abi.spec import NO_FD, RESULT, SyscallSpec
from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.syscalls import Param, convert_flags, convert_open_flags, event_type
from mozu.core.state.observed import Descriptor, KnownProcess
from mozu.plugins.sources.ptrace import memory, view
from mozu.plugins.sources.ptrace.reading.blocks import Blocks, given, whole
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_ACCEPTS: Final = frozenset({"accept", "accept4"})
_PLACELESS: Final = _ACCEPTS | {"sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"}
"""They tell of no file but a socket."""
_UNIX: Final = 1


class ReadArguments(NamedTuple):
    """Everything a parameter may come from."""

    args: tuple[int, ...]
    """The six of the call; then length and limit of an accept queue, or the length of all parts and 0."""
    result: int
    ends: SocketInfo | None = None
    asked: SockAddr | None = None
    text: str | None = None
    data: bytes = b""
    blocks: Blocks = ()
    seen: view.Seen | None = None
    """The descriptor."""
    known: KnownProcess = KnownProcess()
    """The process, where its sizes are asked for."""


Pick = Callable[[ReadArguments], Any]


def _both(name: str) -> Pick:
    incoming, connects = name in INCOMING, name == "connect"

    def both(told: ReadArguments) -> SockTuple | None:
        if told.ends is None or (told.result < 0 and not (connects and told.result == EINPROGRESS)):
            return None
        asked = None if connects else told.asked
        return _bare(inbound(told.ends, asked) if incoming else outbound(told.ends, asked))

    return both


def _bare(sock: SockTuple) -> SockTuple:
    """The kernel's pointers are not known here."""
    return replace(sock, source_pointer=0, dest_pointer=0) if sock.family == _UNIX else sock


def _percent(told: ReadArguments) -> int:
    length, limit = told.args[6:8]
    return min(100, length * 100 // limit) if limit else 0


_WORDS: Final[dict[str, Pick]] = {
    "r": lambda told: told.result,
    "a": lambda told: told.asked,
    "d": lambda told: told.data,
    "d1": lambda told: told.data,
    "v1": lambda told: told.data,
    "q": _percent,
    "-": lambda told: None,
    "path": lambda told: None if told.seen is None else told.seen.link,
    "dev": lambda told: 0 if told.seen is None else told.seen.encoded_dev,
    "ino": lambda told: 0 if told.seen is None else told.seen.ino,
    "own": lambda told: 0,
    "peer": lambda told: 0,
    "vm": lambda told: told.known.vm_size,
    "rss": lambda told: told.known.vm_rss,
    "swap": lambda told: told.known.vm_swap,
    "o2": lambda told: convert_open_flags(told.args[2] & 0xFFFFFFFF),
}


def _pick(spec: SyscallSpec, param: Param, word: str) -> Pick:
    name = spec.name
    if word == "t":
        return _both(name)
    if word in _WORDS:
        return _WORDS[word]
    shared = operand_reader(spec, param, word)
    if shared is not None:
        return lambda told: shared(told.args, told.result, told.blocks)
    if param.type == "string":
        return lambda told: told.text
    at = int(word)
    if name == "socket" and param.name == "flags":
        return lambda told: convert_flags("file_flags", told.args[at] & SOCKET_FLAGS)
    convert = register_reader(param)
    return lambda told: convert(told.args[at])


class Descriptors:
    """Reader of one of these calls."""

    def __init__(self, spec: SyscallSpec, around: ReaderContext) -> None:
        self.name, self._layout, self._around = spec.name, spec.layout, around
        declared = event_type(spec.name)
        params = () if declared is None else declared.params
        self._picks = tuple(_pick(spec, param, word) for param, word in zip(params, spec.operands, strict=True))
        self._sized = "vm" in spec.operands

    def enter(self, task: TracedTask) -> Any:
        """(address, text, pieces of memory) that are handed over."""
        layout, a = self._layout, task.args
        asked = None
        if layout.address >= 0:
            length = min(a[layout.address + 1] & 0xFFFFFFFF, SOCKADDR_MAX)
            asked = parse_sockaddr(memory.data(task.tid, a[layout.address], length))
        return asked, text(task, a[layout.text]) if layout.text >= 0 else None, given(task, layout)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """What the descriptor stands for now."""
        asked, words, before = task.given
        return (self.told(task, result, asked=asked, words=words, blocks=whole(task, self._layout, before)),)

    def told(
        self, task: TracedTask, result: int, *, asked: SockAddr | None = None, words: str | None = None,
        data: bytes = b"", length: int = 0, blocks: Blocks = (),
    ) -> SyscallEvent:  # fmt: skip
        """The event. `length`: of all parts of what is moved."""
        name = self.name
        more = self._around.sockets.queue(task.pid, signed32(task.args[0])) if name in _ACCEPTS else (length, 0)
        fd = self.about(task, result, blocks)
        seen = None if fd is None else view.descriptor(task.tid, fd)
        ends = file = None
        if seen is not None and fd is not None and S_ISSOCK(seen.mode):
            pending = name == "connect" and result == EINPROGRESS
            ends = self._around.sockets.ends(task.pid, fd, asked, pending=pending)
            file = self._socket(ends, asked, result)
        elif seen is not None and name not in _PLACELESS:
            file = view.file_of(seen)
        told = ReadArguments((*task.args, *more), result, ends, asked, words, data, blocks, seen, self._known(task))
        made = tuple(one(told) for one in self._picks)
        return event(name, task, made, fd=fd, file=file, observed=None if file is None else Descriptor(file))

    def _known(self, task: TracedTask) -> KnownProcess:
        found = self._around.procfs.task(task.tid) if self._sized else None
        return KnownProcess() if found is None else found[1]

    def about(self, task: TracedTask, result: int, blocks: Blocks) -> int | None:
        """The descriptor that the event is about; None where it is about none."""
        place = self._layout.fd
        if place == NO_FD:
            return None
        return signed32(result if place == RESULT else task.args[place])

    def _socket(self, ends: SocketInfo | None, asked: SockAddr | None, result: int) -> File:
        name = self.name
        if ends is None:
            return File("unknown")
        connects = name == "connect"
        failed = connects and result not in (0, EINPROGRESS)
        role = ROLES.get(name, "")
        connected = result == 0 if connects else None
        file = socket_file(ends, role=role, asked=asked if failed else None, connected=connected)
        if file.sock is None or file.sock.family != _UNIX:
            return file
        named = file.name if file.role == "listening" else f"0->0 {file.sock.path}"
        return replace(file, sock=_bare(file.sock), name=named)


class Pairs(Descriptors):
    """Reader of a call that makes two descriptors; it tells of the first."""

    def about(self, task: TracedTask, result: int, blocks: Blocks) -> int | None:
        """The call wrote it into memory."""
        return signed32(int.from_bytes(blocks[0][:4], "little")) if result == 0 and blocks[0] else -1
