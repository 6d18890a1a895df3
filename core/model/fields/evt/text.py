"""Parameters as text: `evt.args`, `evt.arg`.

Each parameter has a raw text and, if more is known, a resolved one: names of flags, error numbers and signals, the
absolute path of a relative one, the name behind a descriptor, the command of a process id.
"""

import base64
import re
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

from mozu.core.model.event import Address, File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.fields.descriptor_kind import type_char
from mozu.core.model.fields.fs.base_directory import AT_FDCWD, base_directory, place_of, reported_directory
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.pathname import absolute
from mozu.core.model.syscalls import Param, errno_name, flag_names, signal_name

Text = Callable[[SyscallEvent, Any], str]
_FAMILIES: Final = {1: "unix", 2: "ipv4", 10: "ipv6"}
_MAPPED: Final = b"\0" * 10 + b"\xff\xff"
_ALL_ONES_32: Final = (1 << 32) - 1
_ALL_ONES_64: Final = (1 << 64) - 1
_NULL_TYPES: Final = frozenset({"bytes", "socktuple", "fdlist", "dynamic"})
_L4_LETTERS: Final = {"tcp": "t", "udp": "u", "icmp": "i", "raw": "r"}


class ParamTexts(NamedTuple):
    """The texts of a parameter."""

    empty: str
    """The text of an empty parameter."""
    raw: Text
    resolved: Text
    """Function to the resolved text, which is empty if nothing is known."""


def texts(param: Param, lookups: Lookups) -> ParamTexts:
    """Return the texts of one parameter of one event type."""
    empty = "NULL" if param.type in _NULL_TYPES else "<NA>"
    kind = re.sub(r"\d+$", "", param.type)
    maker = _MAKERS.get(param.type) or _MAKERS[kind]
    raw, resolved = maker(param, lookups)
    return ParamTexts(empty, raw, resolved)


def is_empty(value: Any) -> bool:
    """Return True for a parameter without content: nothing recorded, a null pointer, no bytes."""
    return value is None or value == b""


def nothing(_: SyscallEvent, __: Any) -> str:
    """Return an empty text, for values that need no resolving."""
    return ""


def _plain(_: SyscallEvent, value: Any) -> str:
    return str(value)


def _number(param: Param, _: Lookups) -> tuple[Text, Text]:
    bits = int(re.sub(r"\D", "", param.type) or 64)
    mask = (1 << bits) - 1
    if param.format == "x":
        return lambda _, value: f"{value & mask:X}", nothing
    if param.format == "o":
        return _octal, nothing
    return _uint32 if param.type == "uint32" else _plain, nothing


def _octal(_: SyscallEvent, value: int) -> str:
    return f"0{value:o}" if value else "0"


def _uint32(_: SyscallEvent, value: int) -> str:
    return "-1" if value == _ALL_ONES_32 else str(value)


def _errno(_: Param, __: Lookups) -> tuple[Text, Text]:
    return _plain, lambda _, value: (errno_name(value) or "") if value < 0 else ""


def _fd(_: Param, __: Lookups) -> tuple[Text, Text]:
    return _plain, _descriptor


def _descriptor(event: SyscallEvent, fd: int) -> str:
    if fd < 0:
        return "AT_FDCWD" if fd == AT_FDCWD else errno_name(fd) or ""
    file = file_of(event, fd)
    if file is None or not file.kind:
        base = reported_directory(event, fd)
        return "" if base is None else f"<d>{base}"
    return f"<{type_char(file)}{_L4_LETTERS.get(file.l4proto or '', '')}>{file.name}"


def file_of(event: SyscallEvent, fd: int) -> File | None:
    """Return the file of a descriptor at the event; None if unknown."""
    if fd == event.fd and event.file is not None:
        return event.file
    return None if event.process is None else event.process.file_at(fd, event.num)


def _pid(_: Param, __: Lookups) -> tuple[Text, Text]:
    return _plain, _command


def _command(event: SyscallEvent, tid: int) -> str:
    process = event.process
    if process is None:
        return ""
    other = process if tid == process.tid else process.find(tid, event.num)
    return "" if other is None else other.name


def _string(_: Param, __: Lookups) -> tuple[Text, Text]:
    return _plain, nothing


def _path(_: Param, __: Lookups) -> tuple[Text, Text]:
    def resolved(event: SyscallEvent, path: str) -> str:
        base = base_directory(event, AT_FDCWD) if path and not path.startswith("/") else None
        return "" if base is None else absolute(base, path)

    return _plain, resolved


def _relative_path(param: Param, __: Lookups) -> tuple[Text, Text]:
    position = param.dirfd or 0
    place = place_of(position)

    def resolved(event: SyscallEvent, path: str) -> str:
        if path.startswith("/"):
            return ""
        base = base_directory(event, event.args[position], place)
        return "" if base is None else absolute(base, path)

    return _plain, resolved


def printable_bytes(raw: bytes) -> str:
    """Return printable ASCII, with a dot for every other byte."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw)


def _bytes(_: Param, lookups: Lookups) -> tuple[Text, Text]:
    def raw(_: SyscallEvent, value: bytes) -> str:
        return base64.b64encode(value).decode() if lookups.base64_bytes else printable_bytes(value)

    return raw, nothing


def address_text(address: Address) -> str:
    """Return dotted IPv4 or RFC 5952 IPv6; empty if the bytes are no address."""
    if len(address) == 16 and address.startswith(_MAPPED):
        return f"::ffff:{ip_address(address[12:])}"
    return str(ip_address(address)) if len(address) in (4, 16) else ""


def tuple_text(sock: SockTuple) -> str:
    """Return both ends of a socket in one line."""
    if _FAMILIES.get(sock.family) == "unix":
        return f"{sock.source_pointer:x}->{sock.dest_pointer:x} {sock.path}"
    if sock.family not in _FAMILIES:
        return f"family {sock.family}"
    source, dest = sock.source, sock.dest
    if source.startswith(_MAPPED) and dest.startswith(_MAPPED):
        source, dest = source[12:], dest[12:]
    return f"{address_text(source)}:{sock.sport}->{address_text(dest)}:{sock.dport}"


def sockaddr_text(addr: SockAddr) -> str:
    """Return a socket address as text. Abstract unix names begin with `@`."""
    if _FAMILIES.get(addr.family) == "unix":
        return f"@{addr.path[1:]}" if addr.path.startswith("\0") else addr.path
    if addr.family not in _FAMILIES:
        return f"family {addr.family}"
    return f"{address_text(addr.address)}:{addr.port}"


def _socktuple(_: Param, __: Lookups) -> tuple[Text, Text]:
    return lambda _, value: tuple_text(value), nothing


def _sockaddr(_: Param, __: Lookups) -> tuple[Text, Text]:
    return lambda _, value: sockaddr_text(value), nothing


def _fdlist(_: Param, __: Lookups) -> tuple[Text, Text]:
    return lambda event, value: " ".join(_polled(event, value)), nothing


def _polled(event: SyscallEvent, polled: Iterable[tuple[int, int]]) -> Iterable[str]:
    for fd, flags in polled:
        file = file_of(event, fd)
        yield f"{fd}:{'?' if file is None else type_char(file)}{flags:x}"


def _flags(param: Param, __: Lookups) -> tuple[Text, Text]:
    table = param.table
    return _plain, lambda _, value: flag_names(table, value) if table else ""


def _mode(param: Param, lookups: Lookups) -> tuple[Text, Text]:
    return _octal, _flags(param, lookups)[1]


def _id_raw(_: SyscallEvent, value: int) -> str:
    return "-1" if value == _ALL_ONES_32 else str(value)


def _named(value: int, name: str | None) -> str:
    return "<NONE>" if value in (_ALL_ONES_32, -1) else name or "<NA>"


def _uid(_: Param, lookups: Lookups) -> tuple[Text, Text]:
    return _id_raw, lambda event, value: _named(value, lookups.user(value, event))


def _gid(_: Param, lookups: Lookups) -> tuple[Text, Text]:
    return _id_raw, lambda event, value: _named(value, lookups.group(value, event))


def _signal(_: Param, __: Lookups) -> tuple[Text, Text]:
    return _plain, lambda _, value: signal_name(value) or ""


def _sigset(_: Param, __: Lookups) -> tuple[Text, Text]:
    return lambda _, value: " ".join(_signals(value)), nothing


def _signals(mask: int) -> Iterable[str]:
    return (signal_name(bit + 1) or "" for bit in range(32) if mask >> bit & 1)


def _reltime(_: Param, __: Lookups) -> tuple[Text, Text]:
    def raw(_: SyscallEvent, value: int) -> str:
        return "none" if value in (_ALL_ONES_64, -1) else str(value)

    def resolved(_: SyscallEvent, value: int) -> str:
        return "" if value in (_ALL_ONES_64, -1) else f"{value / 1e9:g}s"

    return raw, resolved


def _abstime(_: Param, __: Lookups) -> tuple[Text, Text]:
    return lambda _, value: moment(value), nothing


def moment(nanoseconds: int) -> str:
    """Return local date and time with nanoseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))}.{rest:09d}"


def _dynamic(param: Param, lookups: Lookups) -> tuple[Text, Text]:
    choices = [Param(param.name, *choice.partition(".")[::2]) for choice in param.choices]
    known = {choice.type: texts(choice, lookups) for choice in choices}

    def chosen(value: Any) -> tuple[ParamTexts, Any]:
        kind, plain = value if isinstance(value, tuple) else (_fitting(choices, value), value)
        return known.get(kind) or texts(Param(param.name, kind), lookups), plain

    def raw(event: SyscallEvent, value: Any) -> str:
        how, plain = chosen(value)
        return how.empty if is_empty(plain) else how.raw(event, plain)

    def resolved(event: SyscallEvent, value: Any) -> str:
        how, plain = chosen(value)
        return "" if is_empty(plain) else how.resolved(event, plain)

    return raw, resolved


def _fitting(choices: list[Param], value: Any) -> str:
    if isinstance(value, str | bytes):
        return "string" if isinstance(value, str) else "bytes"
    return next((choice.type for choice in choices if choice.type not in ("string", "bytes")), "int64")


_MAKERS: Final[dict[str, Callable[[Param, Lookups], tuple[Text, Text]]]] = {
    "int": _number,
    "uint": _number,
    "syscallid": _number,
    "errno": _errno,
    "fd": _fd,
    "pid": _pid,
    "string": _string,
    "fspath": _path,
    "fsrelpath": _relative_path,
    "bytes": _bytes,
    "socktuple": _socktuple,
    "sockaddr": _sockaddr,
    "fdlist": _fdlist,
    "flags": _flags,
    "enum": _flags,
    "mode": _mode,
    "uid": _uid,
    "gid": _gid,
    "signal": _signal,
    "sigset": _sigset,
    "reltime": _reltime,
    "abstime": _abstime,
    "dynamic": _dynamic,
}
