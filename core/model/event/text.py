"""Kernel bytes as text, without losing one of them."""

from itertools import islice
from typing import Final

_MAX_TEXT: Final = 1_024
_MAX_ITEMS: Final = 64
_MAX_DEPTH: Final = 3
_MAX_BITS: Final = 4_096


def as_text(raw: bytes) -> str:
    """Bytes that are not UTF-8 become lone surrogates (PEP 383); `as_bytes` turns them back."""
    return raw.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """The bytes that `as_text` read. Other lone surrogates, which it never makes, become bytes that are no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def byte_length(text: str) -> int:
    """Length in bytes, the unit in which rules measure."""
    return len(text) if text.isascii() else len(as_bytes(text))


def printable(text: str) -> str:
    """Text that every encoder accepts: bytes that are not UTF-8 become U+FFFD."""
    return text if text.isascii() else as_bytes(text).decode("utf-8", "replace")


def bounded_text(value: object, depth: int = 0) -> str:
    """Any value at all as valid text of at most some thousand characters. Never raises."""
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value[:_MAX_TEXT])
    if isinstance(value, bytes):
        return value[:_MAX_TEXT].decode("utf-8", "replace")
    if isinstance(value, tuple | list | dict):
        if depth >= _MAX_DEPTH:
            return "…"
        inner = ",".join(bounded_text(item, depth + 1) for item in islice(value, _MAX_ITEMS))
        return f"({inner})"[:_MAX_TEXT]
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"(a number of {value.bit_length()} bits)"
    if isinstance(value, bool | int | float):
        return str(value)
    try:
        return printable(str(value)[:_MAX_TEXT]) if isinstance(value, Exception) else f"({type(value).__name__})"
    except Exception:  # noqa: BLE001  an exception's own __str__ may raise
        return ""
