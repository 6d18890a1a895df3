"""Calls that send and receive: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg."""

import struct
from typing import Final, NamedTuple

from mozu.core.abi.limits import MESSAGES_MAX, SOCKADDR_MAX
from mozu.core.abi.sockets import parse_sockaddr
from mozu.core.model.event import SockAddr, SyscallEvent
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.reading.blocks import read_buffers, read_iovecs
from mozu.plugins.sources.ptrace.reading.descriptors import DescriptorReader
from mozu.plugins.sources.ptrace.reading.reader import TracedTask

_MSGHDR: Final = struct.Struct("<QI4xQQ")
_MMSGHDR_SIZE, _MSG_LEN_AT = 64, 56
"""struct mmsghdr: its size, and the offset of msg_len."""
_MOST_SENT: Final = 1024
"""UIO_MAXIOV: most messages that the kernel sends by one call."""


class SocketMessage(NamedTuple):
    """A message: its address and its buffers."""

    address: int = 0
    address_length: int = 0
    buffers: tuple[tuple[int, int], ...] = ()
    length: int = 0
    """Bytes of all buffers."""

    def sockaddr(self, task: TracedTask) -> SockAddr | None:
        """Return the peer in msg_name; None if there is none."""
        if not self.address:
            return None
        return parse_sockaddr(memory.data(task.tid, self.address, min(self.address_length, SOCKADDR_MAX)))

    def data(self, task: TracedTask, most: int) -> bytes:
        """Return the first bytes of the message."""
        return read_buffers(task, list(self.buffers), most)


def _read_msghdr(task: TracedTask, address: int) -> SocketMessage:
    """Read a struct msghdr."""
    raw = memory.data(task.tid, address, _MSGHDR.size)
    if not raw:
        return SocketMessage()
    name, name_length, vectors, count = _MSGHDR.unpack(raw)
    buffers, length = read_iovecs(task, vectors, count)
    return SocketMessage(name, name_length, tuple(buffers), length)


class MessageReader(DescriptorReader):
    """Reader of sent messages at the call's entry, and of received ones at its exit."""

    def enter(self, task: TracedTask) -> tuple[SockAddr | None, bytes]:
        """Return address and first bytes of a sent message."""
        if self.name not in ("sendto", "sendmsg"):
            return None, b""
        message = self._message(task)
        return message.sockaddr(task), message.data(task, self._context.snaplen)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return one event per message."""
        if self.name in ("sendmmsg", "recvmmsg"):
            return self._many(task, result)
        sockaddr, data = task.at_entry
        message = self._message(task)
        if self.name in ("recvfrom", "recvmsg"):
            sockaddr, data = message.sockaddr(task), message.data(task, min(max(result, 0), self._context.snaplen))
        elif result >= 0:
            data = data[:result]
        length = 0 if self.name in ("sendto", "recvfrom") else message.length
        return (self._event(task, result, sockaddr=sockaddr, data=data, length=length),)

    def foresee(self, task: TracedTask) -> tuple[SyscallEvent, ...]:
        """Return the events of messages that are sent entirely."""
        if self.name == "sendmmsg":
            count = min(task.args[2] & 0xFFFFFFFF, _MOST_SENT)
            messages = [_read_msghdr(task, task.args[1] + _MMSGHDR_SIZE * place) for place in range(count)]
        else:
            messages = [self._message(task)]
        most = self._context.snaplen
        return tuple(
            self._event(task, one.length, sockaddr=one.sockaddr(task), data=one.data(task, most), length=one.length)
            for one in messages
        )

    def _message(self, task: TracedTask) -> SocketMessage:
        a = task.args
        if self.name in ("sendmsg", "recvmsg"):
            return _read_msghdr(task, a[1])
        length = a[5] & 0xFFFFFFFF
        if self.name == "recvfrom":
            length = int.from_bytes(memory.data(task.tid, a[5], 4), "little") if a[5] else 0
        return SocketMessage(a[4], length, ((a[1], a[2]),), a[2])

    def _many(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        if result <= 0:
            return (self._event(task, result),)
        events = []
        for place in range(min(result, MESSAGES_MAX)):
            at = task.args[1] + _MMSGHDR_SIZE * place
            message = _read_msghdr(task, at)
            moved = int.from_bytes(memory.data(task.tid, at + _MSG_LEN_AT, 4), "little")
            data = message.data(task, min(moved, self._context.snaplen))
            events.append(self._event(task, moved, sockaddr=message.sockaddr(task), data=data, length=moved))
        return tuple(events)
