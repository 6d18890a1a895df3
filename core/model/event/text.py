"""Kernel bytes as text, without losing one of them."""


def as_text(raw: bytes) -> str:
    """Bytes that are not UTF-8 become lone surrogates (PEP 383); `as_bytes` turns them back."""
    return raw.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """The bytes that `as_text` read."""
    return text.encode("utf-8", "surrogateescape")


def byte_length(text: str) -> int:
    """Length in bytes, the unit in which rules measure."""
    return len(text) if text.isascii() else len(as_bytes(text))


def printable(text: str) -> str:
    """Text that every encoder accepts: bytes that are not UTF-8 become U+FFFD."""
    return text if text.isascii() else as_bytes(text).decode("utf-8", "replace")
