"""Decoder of struct descriptor: calls on a descriptor, whose kind comes from the kernel's struct file and struct
sock."""

from collections.abc import Callable
from stat import S_ISDIR, S_ISFIFO
from typing import Any, Final, NamedTuple

from mozu.core.abi.anon_inodes import ANON_INODES
from mozu.core.abi.integers import encode_dev, register_reader, signed32
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
from mozu.core.abi.spec import NO_FD, SyscallSpec
from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent, as_text
from mozu.core.model.syscalls import Param, convert_flags, convert_open_flags, event_type
from mozu.core.state.observed import Descriptor
from mozu.plugins.sources.ebpf.decode.reading import FILE, HEAD, MARKS, Decode, path, reader, text
from mozu.plugins.sources.ebpf.wire import constant

_unpack, _SIZE = reader(
    "descriptor",
    HEAD + "args0 args1 args2 args3 args4 args5 args6 args7 " + FILE + "endpoints_own endpoints_peer "
    "endpoints_local endpoints_remote endpoints_family endpoints_type endpoints_protocol endpoints_local_port "
    "endpoints_remote_port endpoints_state endpoints_local_name endpoints_remote_name "
    "fd flags address data path opened_path block0 block1 block2 raw",
)
_RESULT, _MARKS, _ARGS, _FILE, _ENDPOINTS, _TAIL = 8, 6, 9, 17, 22, 34
"""Indices among the values: result, marks, first argument, file attributes, endpoints of the socket, and the rest."""
_SOCKET, _PSEUDO, _UPPER, _OVERLAY, _NULL = (MARKS[name] for name in ("SOCKET", "PSEUDO", "UPPER", "OVERLAY", "NULL"))
RAW_LENGTH: Final = constant("OPENED_AS_FILE") - 1
"""Mask for the length of `raw`; the flag OPENED_AS_FILE is above it."""
_PIDFS: Final = 0x50494446
_TMPFS: Final = 0x01021994


class RecordContents(NamedTuple):
    """Contents of a record besides numbers."""

    info: SocketInfo | None
    """Facts about the socket; None for other descriptors."""
    sockaddr: SockAddr | None
    data: bytes
    path: str | None
    """Path of the descriptor's file."""
    blocks: tuple[bytes, ...]


Reader = Callable[[tuple[Any, ...], RecordContents], Any]


def file_type(where: str, mode: int, magic: int, marks: int) -> tuple[str, str]:
    """Return `fd.type` and `fd.name` of a descriptor that is no socket, by path, mode and magic number of the file
    system."""
    if not marks & _PSEUDO:
        return ("directory" if S_ISDIR(mode) else "file"), where
    bare = where[1:]
    if magic == _PIDFS:
        return "pidfd", ""
    if S_ISFIFO(mode):
        return "pipe", ""
    if magic == _TMPFS:
        return "memfd", bare.removeprefix("memfd:")
    return ANON_INODES.get(bare, "unknown"), ""


def _tuple(name: str) -> Reader:
    """Return the reader of the parameter `tuple`."""
    incoming = name in INCOMING
    connects = name == "connect"

    def read(values: tuple[Any, ...], payload: RecordContents) -> SockTuple | None:
        result = values[_RESULT]
        if payload.info is None or (result < 0 and not (connects and result == EINPROGRESS)):
            return None
        sockaddr = None if connects else payload.sockaddr
        return inbound(payload.info, sockaddr) if incoming else outbound(payload.info, sockaddr)

    return read


def _queue_percent(values: tuple[Any, ...], payload: RecordContents) -> int:
    length, limit = values[_ARGS + 6], values[_ARGS + 7]
    return min(100, length * 100 // limit) if limit else 0


def _open_flags(values: tuple[Any, ...], payload: RecordContents) -> int:
    """Return the flags of an open."""
    upper, overlay = bool(values[_MARKS] & _UPPER), bool(values[_MARKS] & _OVERLAY)
    return convert_open_flags(values[_ARGS + 2] & 0xFFFFFFFF, upper=upper, lower=overlay and not upper)


_BY_OPERAND: Final[dict[str, Reader]] = {
    "r": lambda values, payload: values[_RESULT],
    "a": lambda values, payload: payload.sockaddr,
    "d": lambda values, payload: payload.data,
    "d1": lambda values, payload: payload.data,
    "v1": lambda values, payload: payload.data,
    "q": _queue_percent,
    "-": lambda values, payload: None,
    "path": lambda values, payload: payload.path if values[_RESULT] >= 0 else None,
    "dev": lambda values, payload: encode_dev(values[_FILE + 1]),
    "ino": lambda values, payload: values[_FILE],
    "own": lambda values, payload: values[_ENDPOINTS],
    "peer": lambda values, payload: values[_ENDPOINTS + 1],
    "vm": lambda values, payload: values[_ARGS + 6] & 0xFFFFFFFF,
    "rss": lambda values, payload: values[_ARGS + 6] >> 32,
    "swap": lambda values, payload: values[_ARGS + 7] & 0xFFFFFFFF,
    "o2": _open_flags,
}


def _reader(spec: SyscallSpec, param: Param, operand: str) -> Reader:
    """Return the function from a record to a parameter's value."""
    name = spec.name
    if operand == "t":
        return _tuple(name)
    if operand in _BY_OPERAND:
        return _BY_OPERAND[operand]
    shared = operand_reader(spec, param, operand)
    if shared is not None:
        return lambda values, payload: shared(values[_ARGS:_FILE], values[_RESULT], payload.blocks)
    if param.type == "string":
        return lambda values, payload: None if values[_MARKS] & _NULL else as_text(payload.data)
    at = _ARGS + int(operand)
    if name == "socket" and param.name == "flags":
        return lambda values, payload: convert_flags("file_flags", values[at] & SOCKET_FLAGS)
    convert = register_reader(param)
    return lambda values, payload: convert(values[at])


def descriptor(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name = spec.name
    declared = event_type(name)
    params = () if declared is None else declared.params
    readers = tuple(_reader(spec, param, operand) for param, operand in zip(params, spec.operands, strict=True))
    role = ROLES.get(name, "")
    has_fd = spec.layout.fd != NO_FD

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        marks, result = values[_MARKS], values[_RESULT]
        fd, _, address_n, data_n, path_n, opened_n, *blocks_n, raw_n = values[_TAIL:]
        start = _SIZE
        info = sockaddr = None
        if marks & _SOCKET:
            local_n, remote_n = values[_TAIL - 2 : _TAIL]
            middle = start + local_n
            end = middle + remote_n
            names = text(record, start, middle), text(record, middle, end)
            info = SocketInfo(*(*values[_ENDPOINTS : _TAIL - 2], *names))
            start = end
        if address_n:
            sockaddr = parse_sockaddr(record[start : start + address_n])
            start += address_n
        data = record[start : start + data_n]
        start += data_n
        where = path(record, start, start + path_n, marks) if path_n else None
        start += path_n
        opened_path = text(record, start, start + opened_n)
        raw = text(record, start + opened_n - (raw_n & RAW_LENGTH), start + opened_n)
        start += opened_n
        blocks = []
        for length in blocks_n:
            blocks.append(record[start : start + length])
            start += length
        payload = RecordContents(info, sockaddr, data, where, tuple(blocks))
        file = None
        if info is not None:
            failed = name == "connect" and result not in (0, EINPROGRESS)
            connected = result == 0 if name == "connect" else None
            file = socket_file(info, role=role, sockaddr=sockaddr if failed else None, connected=connected)
        elif where is not None:
            file = plain_file(where, values[_FILE:_ENDPOINTS], marks, opened_path, raw, as_file=raw_n > RAW_LENGTH)
        args = tuple(one(values, payload) for one in readers)
        observed = None if file is None else Descriptor(file, as_opened=opened_n > 0)
        time, tid, pid, cpu = values[0], values[3], values[2], values[4]
        number = signed32(fd) if has_fd else None
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, None, number, file, observed, time)

    return decode


def plain_file(
    where: str, attributes: tuple[Any, ...], marks: int, opened_path: str, raw: str, *, as_file: bool
) -> File:
    """Return the file of a descriptor that is no socket. `attributes`: struct file_attrs; `where`: the kernel's path;
    `as_file`: its open did not request a directory."""
    ino, dev, magic, mode, _ = attributes
    kind, name = file_type(where, mode, magic, marks)
    if as_file:
        kind = "file"
    upper = bool(marks & _UPPER)
    real = None if marks & _PSEUDO else where
    return File(kind, opened_path or name, raw, real, 0, dev, ino, upper, bool(marks & _OVERLAY) and not upper)
