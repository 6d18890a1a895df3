"""Calls that send and receive: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg."""

import struct
from typing import Final, NamedTuple

from mozu.core.abi.limits import DATA_MAX, MESSAGES_MAX, SOCKADDR_MAX
from mozu.core.abi.sockets import parse_sockaddr
from mozu.core.model.event import SockAddr, SyscallEvent
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.reading.blocks import gathered, parts
from mozu.plugins.sources.ptrace.reading.descriptors import Descriptors
from mozu.plugins.sources.ptrace.reading.reader import TracedTask

_HEADER: Final = struct.Struct("<QI4xQQ")
_MANY_SIZE, _MOVED_AT = 64, 56
"""struct mmsghdr: its size, where the number of moved bytes stands."""


class SocketMessage(NamedTuple):
    """What a call moves."""

    address: int = 0
    address_length: int = 0
    pieces: tuple[tuple[int, int], ...] = ()
    length: int = 0
    """Of all parts."""

    def asked(self, task: TracedTask) -> SockAddr | None:
        """The other end, as the call names it."""
        if not self.address:
            return None
        return parse_sockaddr(memory.data(task.tid, self.address, min(self.address_length, SOCKADDR_MAX)))

    def data(self, task: TracedTask, most: int) -> bytes:
        """Its first bytes."""
        return gathered(task, list(self.pieces), most)


def _header(task: TracedTask, address: int) -> SocketMessage:
    """A struct msghdr."""
    raw = memory.data(task.tid, address, _HEADER.size)
    if not raw:
        return SocketMessage()
    name, name_length, vectors, count = _HEADER.unpack(raw)
    pieces, length = parts(task, vectors, count)
    return SocketMessage(name, name_length, tuple(pieces), length)


class MessageReader(Descriptors):
    """Reader of one of these calls; what is sent is read at the beginning, what was received at the end."""

    def enter(self, task: TracedTask) -> tuple[SockAddr | None, bytes]:
        """(the other end, the bytes) of what is sent."""
        if self.name not in ("sendto", "sendmsg"):
            return None, b""
        message = self._message(task)
        return message.asked(task), message.data(task, DATA_MAX)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """One event a message."""
        if self.name in ("sendmmsg", "recvmmsg"):
            return self._many(task, result)
        asked, data = task.given
        message = self._message(task)
        if self.name in ("recvfrom", "recvmsg"):
            asked, data = message.asked(task), message.data(task, max(result, 0))
        elif result >= 0:
            data = data[:result]
        length = 0 if self.name in ("sendto", "recvfrom") else message.length
        return (self.told(task, result, asked=asked, data=data, length=length),)

    def _message(self, task: TracedTask) -> SocketMessage:
        a = task.args
        if self.name in ("sendmsg", "recvmsg"):
            return _header(task, a[1])
        length = a[5] & 0xFFFFFFFF
        if self.name == "recvfrom":
            length = int.from_bytes(memory.data(task.tid, a[5], 4), "little") if a[5] else 0
        return SocketMessage(a[4], length, ((a[1], a[2]),), a[2])

    def _many(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        if result <= 0:
            return (self.told(task, result),)
        events = []
        for place in range(min(result, MESSAGES_MAX)):
            at = task.args[1] + _MANY_SIZE * place
            message = _header(task, at)
            moved = int.from_bytes(memory.data(task.tid, at + _MOVED_AT, 4), "little")
            data = message.data(task, moved)
            events.append(self.told(task, moved, asked=message.asked(task), data=data, length=moved))
        return tuple(events)
