"""Conversion of kernel bytes to text, without losing one of them."""

from itertools import islice
from typing import Final

_MAX_TEXT: Final = 1_024
_MAX_ITEMS: Final = 64
_MAX_DEPTH: Final = 3
_MAX_BITS: Final = 4_096


def as_text(raw: bytes) -> str:
    """Return bytes as text; bytes that are not UTF-8 become lone surrogates (PEP 383), which `as_bytes` turns back."""
    return raw.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """Return the bytes that `as_text` read. Other lone surrogates, which `as_text` never makes, become bytes that are
    no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def byte_length(text: str) -> int:
    """Return the length in bytes, the unit in which rules measure."""
    return len(text) if text.isascii() else len(as_bytes(text))


def printable(text: str) -> str:
    """Return text that every encoder accepts: bytes that are not UTF-8 become U+FFFD."""
    return text if text.isascii() else as_bytes(text).decode("utf-8", "replace")


def bounded_text(value: object) -> str:
    """Return any value at all as valid text of at most some thousand characters. Never raises, although a value of a
    foreign class may raise anything when it is read."""
    try:
        return _bounded(value, 0)
    except BaseException:  # noqa: BLE001  as above
        return ""


def _bounded(value: object, depth: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value[:_MAX_TEXT])
    if isinstance(value, bytes):
        return value[:_MAX_TEXT].decode("utf-8", "replace")
    if isinstance(value, tuple | list | dict):
        if depth >= _MAX_DEPTH:
            return "…"
        inner = ",".join(_bounded(item, depth + 1) for item in islice(value, _MAX_ITEMS))
        return f"({inner})"[:_MAX_TEXT]
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"(a number of {value.bit_length()} bits)"
    if isinstance(value, bool | int | float):
        return str(value)
    return printable(str(value)[:_MAX_TEXT]) if isinstance(value, BaseException) else f"({type(value).__name__})"
