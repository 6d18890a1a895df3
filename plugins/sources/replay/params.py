"""Decodes parameters of recorded events into the native values that events carry.

A parameter of length 0 is "no value" (None), whatever its encoding. So is one whose length cannot be right: a hostile
or broken file costs the value, not the recording. Texts end at their first NUL.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from mozu.core.model.event import SockAddr, SockTuple

FIXED: Final[dict[str, str]] = {
    "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "ERRNO": "q", "FD": "q", "PID": "q", "FD32": "i", "PID32": "i",
    "SYSCALLID": "H", "SIGTYPE": "B", "RELTIME": "Q", "ABSTIME": "Q", "PORT": "H",
    "FLAGS8": "B", "FLAGS16": "H", "FLAGS32": "I", "ENUMFLAGS8": "B", "ENUMFLAGS16": "H", "ENUMFLAGS32": "I",
    "UID": "I", "GID": "I", "SIGSET": "I", "MODE": "I",
}  # fmt: skip
"""Encodings of a fixed width: the code of `struct`, little endian."""

WIDTH: Final = {name: struct.calcsize("<" + code) for name, code in FIXED.items()}
"""The widths of these encodings in bytes."""

TEXTS: Final = frozenset({"CHARBUF", "FSPATH", "FSRELPATH"})

_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_INET: Final = struct.Struct("<x4sH4sH")
_INET6: Final = struct.Struct("<x16sH16sH")
_UNIX: Final = struct.Struct("<xQQ")
_POLLED: Final = struct.Struct("<qH")
_TYPE_NAMES: Final = {"CHARBUF": "string", "BYTEBUF": "bytes", "SIGTYPE": "signal"}
"""Encodings whose type has another name in `core.model.syscalls`."""

_NULL_TEXT: Final = b"(NULL)\0"
"""The text that old producers wrote for a NULL pointer."""

_TEXT_CACHE_LIMIT: Final = 1 << 16
_TEXT_CACHE_LENGTH: Final = 256
_texts: dict[bytes, str | None] = {}


def text(raw: bytes) -> str | None:
    """A NUL-terminated text. Paths and names repeat, so short ones are kept."""
    try:
        return _texts[raw]
    except KeyError:
        value = _text(raw)
    if len(raw) <= _TEXT_CACHE_LENGTH:
        if len(_texts) >= _TEXT_CACHE_LIMIT:
            _texts.clear()
        _texts[raw] = value
    return value


def _text(raw: bytes) -> str | None:
    if not raw or raw == _NULL_TEXT:
        return None
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def address(raw: bytes) -> SockAddr | None:
    """A socket address: family, then what the family defines. Ports are in host order, addresses in network order."""
    family = raw[0]
    if family == _AF_UNIX:
        return SockAddr(family, path=_text(raw[1:]) or "")
    if family in (_AF_INET, _AF_INET6):
        width = 4 if family == _AF_INET else 16
        if len(raw) < width + 3:
            return None
        return SockAddr(family, raw[1 : width + 1], int.from_bytes(raw[width + 1 : width + 3], "little"))
    return SockAddr(family)


def endpoints(raw: bytes) -> SockTuple | None:
    """Both ends of a socket, in the order of the file: the sending end first."""
    family = raw[0]
    if family in (_AF_INET, _AF_INET6):
        form = _INET if family == _AF_INET else _INET6
        if len(raw) < form.size:
            return None
        source, sport, dest, dport = form.unpack_from(raw)
        return SockTuple(family, source, sport, dest, dport)
    if family == _AF_UNIX and len(raw) >= _UNIX.size:
        own, peer = _UNIX.unpack_from(raw)
        return SockTuple(family, path=_text(raw[_UNIX.size :]) or "", source_pointer=own, dest_pointer=peer)
    return SockTuple(family)


def polled(raw: bytes) -> tuple[tuple[int, int], ...] | None:
    """The list of poll: (descriptor, flags) pairs."""
    count = int.from_bytes(raw[:2], "little")
    end = 2 + count * _POLLED.size
    if len(raw) < end:
        return None
    return tuple(_POLLED.iter_unpack(raw[2:end]))


def _dynamic(encoding: str) -> Callable[[bytes], Any]:
    """A parameter whose first byte says which of several encodings follows; the value is (type, value)."""
    choices = encoding.split(":", 1)[1].split("|")

    def read(raw: bytes) -> Any:
        if raw[0] >= len(choices):
            return None
        chosen = choices[raw[0]]
        value = decode(chosen, raw[1:])
        return None if value is None else (_TYPE_NAMES.get(chosen, chosen.lower()), value)

    return read


SPECIAL: Final[dict[str, Callable[[bytes], Any]]] = {
    **dict.fromkeys(TEXTS, text),
    "SOCKADDR": address,
    "SOCKTUPLE": endpoints,
    "FDLIST": polled,
    "CHARBUF_PAIR_ARRAY": lambda _: None,
}
"""Encodings of variable length that need more than their bytes. `CHARBUF_PAIR_ARRAY` was a pointer: never follow it."""


@cache
def reader(encoding: str) -> Callable[[bytes], Any] | None:
    """Return the decoder of a variable-length parameter; None if its bytes are the value."""
    return _dynamic(encoding) if encoding.startswith("DYN:") else SPECIAL.get(encoding)


_FORMS: Final = {name: struct.Struct("<" + code) for name, code in FIXED.items()}


def decode(encoding: str, raw: bytes) -> Any:
    """Decode a single parameter; the fast path of whole events is `events.EventShape`."""
    if not raw:
        return None
    form = _FORMS.get(encoding)
    if form is not None:
        return form.unpack(raw)[0] if len(raw) == form.size else None
    read = reader(encoding)
    return raw if read is None else read(raw)


def widest(encoding: str) -> int | None:
    """The most bytes a parameter of this encoding may have; None: any number."""
    return WIDTH.get(encoding)


def blank(encoding: str) -> bytes:
    """The value that stands for "not recorded" where the format asks for a default: zeros, or no user."""
    if encoding in ("UID", "GID"):
        return b"\xff" * 4
    return bytes(WIDTH.get(encoding, 0))
