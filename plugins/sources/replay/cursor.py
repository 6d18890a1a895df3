"""A bounds-checked reader of packed records: it never reads past its end, and every step moves forward."""

import struct
from typing import Any, Final

_FORMS: Final = {code: struct.Struct("<" + code) for code in "BHIQqi"}


class RecordTruncated(Exception):
    """A record claims more bytes than there are, or a text longer than its kind may be."""


class Cursor:
    """Walks over `data[at:end]`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes that remain."""
        return self.end - self.at

    def number(self, code: str) -> int:
        """Read an integer; `code` is that of `struct`."""
        form = _FORMS[code]
        self.skip(form.size)
        value: int = form.unpack_from(self.data, self.at - form.size)[0]
        return value

    def numbers(self, form: struct.Struct) -> tuple[Any, ...]:
        """Several integers at once."""
        self.skip(form.size)
        return form.unpack_from(self.data, self.at - form.size)

    def raw(self, length: int) -> bytes:
        """Read this number of bytes."""
        self.skip(length)
        return self.data[self.at - length : self.at]

    def skip(self, length: int) -> None:
        """Move on."""
        if length > self.end - self.at:
            raise RecordTruncated(f"a record needs {length} bytes where {self.end - self.at} are left")
        self.at += length

    def counted(self, limit: int) -> bytes:
        """Bytes behind their own 16-bit length."""
        length = self.number("H")
        if length > limit:
            raise RecordTruncated(f"a text of {length} bytes where at most {limit} are allowed")
        return self.raw(length)

    def text(self, limit: int) -> str:
        """A counted text; it ends at its first NUL."""
        return self.counted(limit).partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def texts(self, limit: int) -> tuple[str, ...]:
        """A counted list of texts, each ended (the last perhaps not) by a NUL."""
        raw = self.counted(limit)
        if not raw:
            return ()
        return tuple(raw.removesuffix(b"\0").decode("utf-8", "surrogateescape").split("\0"))

    def entry(self, length: int, least: int) -> "Cursor":
        """A cursor over the next `length` bytes, which this one passes; `least` is the shortest that makes sense."""
        if length < least:
            raise RecordTruncated(f"an entry of {length} bytes where at least {least} are needed")
        start = self.at
        self.skip(length)
        return Cursor(self.data, start, self.at)
