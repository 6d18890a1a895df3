"""Constants of conditions: text → a value of the type of the left side."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from mozu.core.caches import cached
from mozu.core.filter.ip_text import address_of, network_of
from mozu.core.language.conditions.services import PORTS
from mozu.core.model.event import as_bytes
from mozu.core.model.fields import FieldType

MANY: Final = 1_000
"""Number of constants of a test from which on they are remembered."""
MAX_TEXT: Final = 255
"""Maximum bytes in a text constant."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_HEX_BYTES = ("bcontains", "bstartswith")


def constant(kind: FieldType, bits: int, op: str, text: str) -> Any:
    """Convert `text` to a constant. Raises ValueError with the end of a sentence: the expected form.

    Types: str for texts, bytes for bytes, int for numbers, bytes (4 or 16) for addresses, `Network` for networks.
    """
    if "\0" in text:
        raise ValueError("holds a NUL byte, which no value can have")
    if kind is FieldType.BYTES and op in _HEX_BYTES:
        return _hex(text)
    if kind in (FieldType.UINT, FieldType.INT):
        return _integer(text, bits, signed=kind is FieldType.INT)
    return _PARSERS[kind](text)


def constants_of(kind: FieldType, bits: int, op: str, texts: tuple[str, ...]) -> Sequence[Any]:
    """Convert several texts; see `constant`. The constants of a long list are remembered: a check makes them, on the
    thread of a load, and the functions of several event types need them."""
    if len(texts) > MANY:
        return _remembered(kind, bits, op, texts)
    return [constant(kind, bits, op, text) for text in texts]


@cached(8)
def _remembered(kind: FieldType, bits: int, op: str, texts: tuple[str, ...]) -> Sequence[Any]:
    return tuple(constant(kind, bits, op, text) for text in texts)


def _text(text: str) -> str:
    if len(text) > MAX_TEXT // 4 and len(as_bytes(text)) > MAX_TEXT:
        raise ValueError(f"is longer than {MAX_TEXT} bytes")
    return text


def _hex(text: str) -> bytes:
    try:
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", _text(text)):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("must be an even number of hexadecimal digits") from None


def _integer(text: str, bits: int = 64, *, signed: bool = False) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > 40:
        raise ValueError("must be a decimal number")
    value = int(text)
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError("does not fit into 64 bits")
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _nanoseconds(text: str) -> int:
    try:
        return _integer(text)
    except ValueError as wrong:
        raise ValueError(f"{wrong}, in nanoseconds (a second is 1000000000)") from None


def _port(text: str) -> int:
    if text == "":
        return 0
    if _INTEGER.fullmatch(text):
        return _integer(text, 16)
    try:
        return PORTS[text]
    except KeyError:
        raise ValueError("is neither a port number nor the name of a known service") from None


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be `true` or `false`")
    return text == "true"


_PARSERS: Final[dict[FieldType, Callable[[str], Any]]] = {
    FieldType.STRING: _text,
    FieldType.PATH: _text,
    FieldType.BYTES: lambda text: as_bytes(_text(text)),
    FieldType.BOOL: _bool,
    FieldType.DOUBLE: _integer,
    FieldType.PORT: _port,
    FieldType.ABSTIME: _nanoseconds,
    FieldType.RELTIME: _nanoseconds,
    FieldType.IPADDR: address_of,
    FieldType.IPNET: network_of,
}
