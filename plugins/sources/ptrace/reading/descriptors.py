"""Calls on a descriptor, or that make one or two: connections, reads and writes, mappings."""

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
from mozu.plugins.sources.ptrace import memory, proc_fs
from mozu.plugins.sources.ptrace.reading.blocks import Blocks, read_input_blocks, with_output_blocks
from mozu.plugins.sources.ptrace.reading.foreseen import UNUSED_FD
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_ACCEPTS: Final = frozenset({"accept", "accept4"})
_SOCKETS_ONLY: Final = _ACCEPTS | {"sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"}
"""Calls whose events have a file only if the descriptor is a socket."""
_UNIX: Final = 1


class ReadArguments(NamedTuple):
    """Values that the parameters of a call are read from."""

    args: tuple[int, ...]
    """The six arguments of the call; then length and limit of an accept queue, or the length of all buffers and 0."""
    result: int
    info: SocketInfo | None = None
    sockaddr: SockAddr | None = None
    text: str | None = None
    data: bytes = b""
    blocks: Blocks = ()
    fd_info: proc_fs.FdInfo | None = None
    known: KnownProcess = KnownProcess()
    """Facts about the process, if a parameter is its size."""


ArgReader = Callable[[ReadArguments], Any]


def _tuple(name: str) -> ArgReader:
    incoming, connects = name in INCOMING, name == "connect"

    def read(call: ReadArguments) -> SockTuple | None:
        if call.info is None or (call.result < 0 and not (connects and call.result == EINPROGRESS)):
            return None
        sockaddr = None if connects else call.sockaddr
        return _without_pointers(inbound(call.info, sockaddr) if incoming else outbound(call.info, sockaddr))

    return read


def _without_pointers(sock: SockTuple) -> SockTuple:
    """Return the socket without the kernel's addresses of unix sockets, which a tracer does not know."""
    return replace(sock, source_pointer=0, dest_pointer=0) if sock.family == _UNIX else sock


def _nameable(file: File) -> File:
    """Return the file of a socket; that of a unix socket without the kernel's addresses in its name."""
    if file.sock is None or file.sock.family != _UNIX:
        return file
    named = file.name if file.role == "listening" else f"0->0 {file.sock.path}"
    return replace(file, sock=_without_pointers(file.sock), name=named)


def file_at(context: ReaderContext, task: TracedTask, fd: int) -> File | None:
    """Return the file of a descriptor; None if it is not open."""
    fd_info = proc_fs.fd_info(task.tid, fd)
    if fd_info is None:
        return None
    if not S_ISSOCK(fd_info.mode):
        return proc_fs.file_of(fd_info, context.real_path(task.tid, fd, fd_info))
    info = context.sockets.info(task.pid, fd, None, pending=False)
    return File("unknown") if info is None else _nameable(socket_file(info))


def _queue_percent(call: ReadArguments) -> int:
    length, limit = call.args[6:8]
    return min(100, length * 100 // limit) if limit else 0


_BY_OPERAND: Final[dict[str, ArgReader]] = {
    "r": lambda call: call.result,
    "a": lambda call: call.sockaddr,
    "d": lambda call: call.data,
    "d1": lambda call: call.data,
    "v1": lambda call: call.data,
    "q": _queue_percent,
    "-": lambda call: None,
    "path": lambda call: None if call.fd_info is None else call.fd_info.link,
    "dev": lambda call: 0 if call.fd_info is None else call.fd_info.encoded_dev,
    "ino": lambda call: 0 if call.fd_info is None else call.fd_info.ino,
    "own": lambda call: 0,
    "peer": lambda call: 0,
    "vm": lambda call: call.known.vm_size,
    "rss": lambda call: call.known.vm_rss,
    "swap": lambda call: call.known.vm_swap,
    "o2": lambda call: convert_open_flags(call.args[2] & 0xFFFFFFFF),
}


def _reader(spec: SyscallSpec, param: Param, operand: str) -> ArgReader:
    name = spec.name
    if operand == "t":
        return _tuple(name)
    if operand in _BY_OPERAND:
        return _BY_OPERAND[operand]
    shared = operand_reader(spec, param, operand)
    if shared is not None:
        return lambda call: shared(call.args, call.result, call.blocks)
    if param.type == "string":
        return lambda call: call.text
    at = int(operand)
    if name == "socket" and param.name == "flags":
        return lambda call: convert_flags("file_flags", call.args[at] & SOCKET_FLAGS)
    convert = register_reader(param)
    return lambda call: convert(call.args[at])


class DescriptorReader:
    """Reader of calls on a descriptor."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._layout, self._context = spec.name, spec.layout, context
        declared = event_type(spec.name)
        params = () if declared is None else declared.params
        pairs = zip(params, spec.operands, strict=True)
        self._readers = tuple(_reader(spec, param, operand) for param, operand in pairs)
        self._sized = "vm" in spec.operands

    def enter(self, task: TracedTask) -> Any:
        """Return the socket address, the text and the memory blocks that the call reads."""
        layout, a = self._layout, task.args
        sockaddr = None
        if layout.address >= 0:
            length = min(a[layout.address + 1] & 0xFFFFFFFF, SOCKADDR_MAX)
            sockaddr = parse_sockaddr(memory.data(task.tid, a[layout.address], length))
        return sockaddr, text(task, a[layout.text]) if layout.text >= 0 else None, read_input_blocks(task, layout)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event, with the present file of the descriptor."""
        sockaddr, words, before = task.at_entry
        blocks = with_output_blocks(task, self._layout, before)
        return (self._event(task, result, sockaddr=sockaddr, words=words, blocks=blocks),)

    def _event(
        self, task: TracedTask, result: int, *, sockaddr: SockAddr | None = None, words: str | None = None,
        data: bytes = b"", length: int = 0, blocks: Blocks = (),
    ) -> SyscallEvent:  # fmt: skip
        """Return the event of a call at its exit. `length`: bytes of all buffers."""
        name = self.name
        more = self._context.sockets.queue(task.pid, signed32(task.args[0])) if name in _ACCEPTS else (length, 0)
        fd = self._fd(task, result, blocks)
        fd_info = None if fd is None else proc_fs.fd_info(task.tid, fd)
        info = file = None
        if fd_info is not None and fd is not None and S_ISSOCK(fd_info.mode):
            pending = name == "connect" and result == EINPROGRESS
            info = self._context.sockets.info(task.pid, fd, sockaddr, pending=pending)
            file = self._socket(info, sockaddr, result)
        elif fd_info is not None and fd is not None and name not in _SOCKETS_ONLY:
            file = proc_fs.file_of(fd_info, self._context.real_path(task.tid, fd, fd_info))
        known = self._known(task)
        call = ReadArguments((*task.args, *more), result, info, sockaddr, words, data, blocks, fd_info, known)
        made = tuple(one(call) for one in self._readers)
        return event(name, task, made, fd=fd, file=file, observed=None if file is None else Descriptor(file))

    def foresee(self, task: TracedTask) -> tuple[SyscallEvent, ...]:
        """Return the event of a call that succeeds: a connection made at once, a datagram accepted."""
        sockaddr, words, blocks = task.at_entry
        makes_fd = self._layout.fd == RESULT
        result = UNUSED_FD if makes_fd else EINPROGRESS if self.name == "connect" else 0
        made = self._event(task, result, sockaddr=sockaddr, words=words, blocks=blocks)
        if self.name == "connect":
            made.args = (0, *made.args[1:])
            if made.file is not None:
                made.file = replace(made.file, connected=True)
        return (made,)

    def _known(self, task: TracedTask) -> KnownProcess:
        found = self._context.procfs.task(task.tid) if self._sized else None
        return KnownProcess() if found is None else found[1]

    def _fd(self, task: TracedTask, result: int, blocks: Blocks) -> int | None:
        """Return the descriptor that the event is about; None if it is about none."""
        place = self._layout.fd
        if place == NO_FD:
            return None
        return signed32(result if place == RESULT else task.args[place])

    def _socket(self, info: SocketInfo | None, sockaddr: SockAddr | None, result: int) -> File:
        name = self.name
        if info is None:
            return File("unknown")
        connects = name == "connect"
        failed = connects and result not in (0, EINPROGRESS)
        role = ROLES.get(name, "")
        connected = result == 0 if connects else None
        return _nameable(socket_file(info, role=role, sockaddr=sockaddr if failed else None, connected=connected))


class PairReader(DescriptorReader):
    """Reader of calls that make two descriptors; the event is about the first."""

    def _fd(self, task: TracedTask, result: int, blocks: Blocks) -> int | None:
        """Return the first descriptor, which the call has written into memory."""
        return signed32(int.from_bytes(blocks[0][:4], "little")) if result == 0 and blocks[0] else -1
