"""struct descriptor: calls on a descriptor. What it stands for comes from the kernel."""

from collections.abc import Callable
from stat import S_ISDIR, S_ISFIFO
from typing import Any, Final, NamedTuple

from mozu.core.model.event import File, SockAddr, SockTuple, SyscallEvent, as_text
from mozu.core.model.syscalls import Param, convert_flags, convert_open_flags, event_type
from mozu.core.state.observed import Descriptor
from mozu.plugins.sources.ebpf.calls import NO_FD, SyscallSpec
from mozu.plugins.sources.ebpf.decode.memory import handed
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
    Buffer,
    Decode,
    encoded_device,
    number,
    path,
    reader,
    signed32,
    text,
)
from mozu.plugins.sources.ebpf.decode.sockets import Ends, inbound, outbound, parse_address, socket_file

_unpack, _SIZE = reader(
    "descriptor",
    HEAD + "args0 args1 args2 args3 args4 args5 args6 args7 " + FILE + "endpoints_own endpoints_peer "
    "endpoints_local endpoints_remote endpoints_family endpoints_type endpoints_protocol endpoints_local_port "
    "endpoints_remote_port endpoints_state endpoints_local_name endpoints_remote_name "
    "fd flags address data path opened_path block0 block1 block2 raw",
)
_RESULT, _MARKS, _ARGS, _FILE, _ENDS, _TAIL = 2, 7, 9, 17, 22, 34
"""Positions among the values: result, marks, first argument, file facts, ends of the socket, what follows."""
_EINPROGRESS: Final = -115
_SOCKET, _PSEUDO, _UPPER, _OVERLAY, _NULL = (
    MARKS[name] for name in ("SOCKET", "PSEUDO", "UPPER", "OVERLAY", "NULL")
)
_SOCKET_FLAGS: Final = 0o2004000
"""SOCK_CLOEXEC | SOCK_NONBLOCK."""
_ANONYMOUS: Final = {
    "[eventfd]": "event",
    "[eventpoll]": "eventpoll",
    "[signalfd]": "signalfd",
    "[timerfd]": "timerfd",
    "[userfaultfd]": "userfaultfd",
    "[io_uring]": "io_uring",
    "[pidfd]": "pidfd",
    "inotify": "inotify",
    "bpf-map": "bpf",
    "bpf-prog": "bpf",
    "bpf_link": "bpf",
    "btf": "bpf",
}
"""Name of an anonymous inode → the field `fd.type`."""
_PIDFS: Final = 0x50494446
_TMPFS: Final = 0x01021994
_ROLES: Final = {"connect": "client", "accept": "server", "accept4": "server"}
_INCOMING: Final = frozenset({"accept", "accept4", "recvfrom", "recvmsg", "recvmmsg"})
"""Their source is the other end."""

class RecordContents(NamedTuple):
    """What a record holds beside numbers."""

    ends: Ends | None
    """Of a socket."""
    asked: SockAddr | None
    data: bytes
    path: str | None
    """Of the descriptor's file."""
    blocks: tuple[bytes, ...]


Pick = Callable[[tuple[Any, ...], RecordContents], Any]


def kind_of_file(where: str, mode: int, magic: int, marks: int) -> tuple[str, str]:
    """(`fd.type`, `fd.name`) of what is no socket, as far as the kernel's file tells."""
    if not marks & _PSEUDO:
        return ("directory" if S_ISDIR(mode) else "file"), where
    bare = where[1:]
    if magic == _PIDFS:
        return "pidfd", ""
    if S_ISFIFO(mode):
        return "pipe", ""
    if magic == _TMPFS:
        return "memfd", bare.removeprefix("memfd:")
    return _ANONYMOUS.get(bare, "unknown"), ""


def _both(name: str) -> Pick:
    """The parameter `tuple`."""
    incoming = name in _INCOMING
    connects = name == "connect"

    def both(values: tuple[Any, ...], told: RecordContents) -> SockTuple | None:
        result = values[_RESULT]
        if told.ends is None or (result < 0 and not (connects and result == _EINPROGRESS)):
            return None
        asked = None if connects else told.asked
        return inbound(told.ends, asked) if incoming else outbound(told.ends, asked)

    return both


def _percent(values: tuple[Any, ...], told: RecordContents) -> int:
    length, limit = values[_ARGS + 6], values[_ARGS + 7]
    return min(100, length * 100 // limit) if limit else 0


def _opened(values: tuple[Any, ...], told: RecordContents) -> int:
    """Flags of an open."""
    upper, overlay = bool(values[_MARKS] & _UPPER), bool(values[_MARKS] & _OVERLAY)
    return convert_open_flags(values[_ARGS + 2] & 0xFFFFFFFF, upper=upper, lower=overlay and not upper)


_WORDS: Final[dict[str, Pick]] = {
    "r": lambda values, told: values[_RESULT],
    "a": lambda values, told: told.asked,
    "d": lambda values, told: told.data,
    "d1": lambda values, told: told.data,
    "v1": lambda values, told: told.data,
    "q": _percent,
    "-": lambda values, told: None,
    "path": lambda values, told: told.path if values[_RESULT] >= 0 else None,
    "dev": lambda values, told: encoded_device(values[_FILE + 1]),
    "ino": lambda values, told: values[_FILE],
    "own": lambda values, told: values[_ENDS],
    "peer": lambda values, told: values[_ENDS + 1],
    "vm": lambda values, told: values[_ARGS + 6] & 0xFFFFFFFF,
    "rss": lambda values, told: values[_ARGS + 6] >> 32,
    "swap": lambda values, told: values[_ARGS + 7] & 0xFFFFFFFF,
    "o2": _opened,
}


def _pick(watch: SyscallSpec, param: Param, word: str) -> Pick:
    """From a record to a parameter's value."""
    name = watch.name
    if word == "t":
        return _both(name)
    if word in _WORDS:
        return _WORDS[word]
    shared = handed(watch, param, word)
    if shared is not None:
        return lambda values, told: shared(values[_ARGS:_FILE], values[_RESULT], told.blocks)
    if param.type == "string":
        return lambda values, told: None if values[_MARKS] & _NULL else as_text(told.data)
    at = _ARGS + int(word)
    if name == "socket" and param.name == "flags":
        return lambda values, told: convert_flags("file_flags", values[at] & _SOCKET_FLAGS)
    convert = number(param)
    return lambda values, told: convert(values[at])


def descriptor(watch: SyscallSpec) -> Decode:
    """The decoder of one of these calls."""
    name = watch.name
    declared = event_type(name)
    params = () if declared is None else declared.params
    picks = tuple(_pick(watch, param, word) for param, word in zip(params, watch.order, strict=True))
    role = _ROLES.get(name, "")
    about = watch.shape.fd != NO_FD

    def decode(buffer: Buffer, at: int, offset: int) -> SyscallEvent:
        values = _unpack(buffer, at)
        marks, result = values[_MARKS], values[_RESULT]
        fd, _, address_n, data_n, path_n, given_n, *blocks_n, raw_n = values[_TAIL:]
        start = at + _SIZE
        ends = asked = None
        if marks & _SOCKET:
            local_n, remote_n = values[_TAIL - 2 : _TAIL]
            middle = start + local_n
            end = middle + remote_n
            names = text(buffer, start, middle), text(buffer, middle, end)
            ends = Ends(*(*values[_ENDS : _TAIL - 2], *names))
            start = end
        if address_n:
            asked = parse_address(buffer[start : start + address_n])
            start += address_n
        data = buffer[start : start + data_n]
        start += data_n
        where = path(buffer, start, start + path_n, marks) if path_n else None
        start += path_n
        given = text(buffer, start, start + given_n)
        raw = text(buffer, start + given_n - raw_n, start + given_n)
        start += given_n
        blocks = []
        for length in blocks_n:
            blocks.append(buffer[start : start + length])
            start += length
        told = RecordContents(ends, asked, data, where, tuple(blocks))
        file = None
        if ends is not None:
            failed = name == "connect" and result not in (0, _EINPROGRESS)
            connected = result == 0 if name == "connect" else None
            file = socket_file(ends, role=role, asked=asked if failed else None, connected=connected)
        elif where is not None:
            file = _plain_file(where, values, given, raw)
        args = tuple(one(values, told) for one in picks)
        observed = None if file is None else Descriptor(file, as_opened=given_n > 0)
        when, tid, pid, cpu = values[0] + offset, values[4], values[3], values[6]
        number = signed32(fd) if about else None
        return SyscallEvent("syscall", name, when, 0, tid, pid, cpu, args, None, number, file, observed)

    return decode


def _plain_file(where: str, values: tuple[Any, ...], given: str, raw: str) -> File:
    ino, dev, magic, mode, _ = values[_FILE:_ENDS]
    marks = values[_MARKS]
    kind, name = kind_of_file(where, mode, magic, marks)
    upper = bool(marks & _UPPER)
    real = None if marks & _PSEUDO else where
    return File(kind, given or name, raw, real, 0, dev, ino, upper, bool(marks & _OVERLAY) and not upper)
