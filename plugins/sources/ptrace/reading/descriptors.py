"""Calls on a descriptor, or that make one; connections; messages."""

import struct
from collections.abc import Callable
from stat import S_ISSOCK
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from mozu.core.event import File, SockAddr, SockTuple, SyscallEvent
from mozu.core.state.facts import Descriptor
from mozu.core.syscalls import Param, convert_flags, event_type
from mozu.plugins.sources.ebpf.calls import RESULT, Watch
from mozu.plugins.sources.ebpf.decode.reading import number, signed32
from mozu.plugins.sources.ebpf.decode.sockets import Ends, inbound, outbound, parse_address, socket_file
from mozu.plugins.sources.ptrace import memory, view
from mozu.plugins.sources.ptrace.reading.paths import DATA_MAX
from mozu.plugins.sources.ptrace.reading.reader import Surroundings, Task, event, text

_EINPROGRESS: Final = -115
_SOCKET_FLAGS: Final = 0o2004000
"""SOCK_CLOEXEC | SOCK_NONBLOCK."""
_ADDRESS_MAX: Final = 128
_VECTORS: Final = 16
_MESSAGE: Final = struct.Struct("<QI4xQQ")
_INCOMING: Final = frozenset({"accept", "accept4", "recvfrom", "recvmsg"})
"""Their source is the other end."""
_ACCEPTS: Final = frozenset({"accept", "accept4"})
_MESSAGES: Final = frozenset({"sendto", "recvfrom", "sendmsg", "recvmsg"})
_UNIX: Final = 1


class Told(NamedTuple):
    """Everything a parameter may come from."""

    args: tuple[int, ...]
    """The six of the call; then length and limit of an accept queue, or the length of a message and 0."""
    result: int
    ends: Ends | None
    asked: SockAddr | None
    text: str | None
    data: bytes


Pick = Callable[[Told], Any]


def _both(name: str) -> Pick:
    incoming, connects = name in _INCOMING, name == "connect"

    def both(told: Told) -> SockTuple | None:
        if told.ends is None or (told.result < 0 and not (connects and told.result == _EINPROGRESS)):
            return None
        asked = None if connects else told.asked
        return _bare(inbound(told.ends, asked) if incoming else outbound(told.ends, asked))

    return both


def _bare(sock: SockTuple) -> SockTuple:
    """The kernel's pointers are not known here."""
    return replace(sock, source_pointer=0, dest_pointer=0) if sock.family == _UNIX else sock


def _percent(told: Told) -> int:
    length, limit = told.args[6:8]
    return min(100, length * 100 // limit) if limit else 0


def _pick(name: str, param: Param, word: str) -> Pick:
    plain: dict[str, Pick] = {
        "r": lambda told: told.result,
        "a": lambda told: told.asked,
        "d": lambda told: told.data,
        "q": _percent,
        "-": lambda told: None,
        "t": _both(name),
    }
    if word in plain:
        return plain[word]
    if param.type == "string":
        return lambda told: told.text
    at = int(word)
    if name == "socket" and param.name == "flags":
        return lambda told: convert_flags("file_flags", told.args[at] & _SOCKET_FLAGS)
    convert = number(param)
    return lambda told: convert(told.args[at])


class Descriptors:
    """Reader of one of these calls."""

    def __init__(self, watch: Watch, around: Surroundings) -> None:
        self.name, self._shape, self._sockets = watch.name, watch.shape, around.sockets
        declared = event_type(watch.name)
        params = () if declared is None else declared.params
        self._picks = tuple(_pick(watch.name, param, word) for param, word in zip(params, watch.order, strict=True))

    def enter(self, task: Task) -> tuple[SockAddr | None, str | None, bytes, int]:
        """(address, text, bytes, length of the whole message) that are handed over."""
        shape, a = self._shape, task.args
        if self.name in _MESSAGES:
            return _message(self.name, task)
        asked = None
        if shape.address >= 0:
            length = min(a[shape.address + 1] & 0xFFFFFFFF, _ADDRESS_MAX)
            asked = parse_address(memory.data(task.tid, a[shape.address], length))
        return asked, text(task, a[shape.text]) if shape.text >= 0 else None, b"", 0

    def leave(self, task: Task, result: int) -> SyscallEvent:
        """What the descriptor stands for now."""
        name, a = self.name, task.args
        asked, given, data, length = task.given
        if name == "recvfrom" or name == "recvmsg":
            asked, data = _received(name, task, result)
        more = self._sockets.queue(task.pid, signed32(a[0])) if name in _ACCEPTS else (length, 0)
        fd = self._about(a, result)
        seen = view.descriptor(task.tid, fd)
        ends = file = None
        if seen is not None and S_ISSOCK(seen.mode):
            pending = name == "connect" and result == _EINPROGRESS
            ends = self._sockets.ends(task.pid, fd, asked if pending else None)
            file = self._socket(ends, asked, result)
        elif seen is not None and name not in _MESSAGES | _ACCEPTS:
            file = view.file_of(seen)
        told = Told((*a, *more), result, ends, asked, given, data)
        made = tuple(one(told) for one in self._picks)
        return event(name, task, made, fd=fd, file=file, facts=None if file is None else Descriptor(file))

    def _about(self, args: tuple[int, ...], result: int) -> int:
        if self.name in _ACCEPTS or (self.name not in _MESSAGES and self._shape.fd == RESULT):
            return signed32(result)
        return signed32(args[0 if self.name in _MESSAGES else self._shape.fd])

    def _socket(self, ends: Ends | None, asked: SockAddr | None, result: int) -> File:
        name = self.name
        if ends is None:
            return File("unknown")
        connects = name == "connect"
        failed = connects and result not in (0, _EINPROGRESS)
        role = "client" if connects else "server" if name in _ACCEPTS else ""
        connected = result == 0 if connects else None
        file = socket_file(ends, role=role, asked=asked if failed else None, connected=connected)
        if file.sock is None or file.sock.family != _UNIX:
            return file
        named = file.name if file.role == "listening" else f"0->0 {file.sock.path}"
        return replace(file, sock=_bare(file.sock), name=named)


def _vectors(task: Task, address: int) -> tuple[int, int, int, int, int]:
    """(name, its length, first part, its length, length of all parts) of a struct msghdr."""
    raw = memory.data(task.tid, address, _MESSAGE.size + 4)[: _MESSAGE.size]
    if not raw:
        return 0, 0, 0, 0, 0
    name, name_length, vectors, count = _MESSAGE.unpack(raw)
    parts = memory.data(task.tid, vectors, 16 * min(count, _VECTORS))
    pairs = list(struct.iter_unpack("<QQ", parts))
    first, length = pairs[0] if pairs else (0, 0)
    return name, name_length, first, length, sum(size for _, size in pairs)


def _message(name: str, task: Task) -> tuple[SockAddr | None, str | None, bytes, int]:
    """What sendto and sendmsg hand over. What is received is read at the end."""
    a = task.args
    if name == "recvfrom":
        return None, None, b"", 0
    if name == "sendto":
        target, target_length, start, length, whole = a[4], a[5], a[1], a[2], 0
    else:
        target, target_length, start, length, whole = _vectors(task, a[1])
    if name == "recvmsg":
        return None, None, b"", whole
    asked = parse_address(memory.data(task.tid, target, min(target_length, _ADDRESS_MAX))) if target else None
    return asked, None, memory.data(task.tid, start, min(length, DATA_MAX)), whole


def _received(name: str, task: Task, result: int) -> tuple[SockAddr | None, bytes]:
    a = task.args
    if name == "recvfrom":
        start, length, target = a[1], a[2], a[4]
        target_length = int.from_bytes(memory.data(task.tid, a[5], 4), "little") if a[5] else 0
    else:
        target, target_length, start, length, _ = _vectors(task, a[1])
    asked = parse_address(memory.data(task.tid, target, min(target_length, _ADDRESS_MAX))) if target else None
    return asked, memory.data(task.tid, start, min(length, result, DATA_MAX)) if result >= 0 else b""
