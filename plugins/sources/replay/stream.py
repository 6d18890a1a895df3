"""The bytes of a recording, decompressed piece by piece: memory stays bounded whatever the file claims.

Recordings are raw or gzip as a whole (several members are one stream; bytes after the last member that begin no other
are ignored). Whether a file is compressed is decided by its first two bytes, never by its name.
"""

import zlib
from typing import BinaryIO, Final

CHUNK: Final = 1 << 18
"""Bytes asked of the file, and the most that one step of decompression gives."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_RATIO_LIMIT: Final = 400
_RATIO_FREE: Final = 1 << 26
"""The ratio is checked after this number of bytes. Recordings shrink about tenfold, deflate can 1030-fold."""


class Corrupt(Exception):
    """The file cannot be read on; `offset` counts decompressed bytes from its beginning."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.offset = offset


class RecordingStream:
    """Reads a binary file; `read` gives the next piece, `b""` at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._compressed: bool | None = None
        self._member: zlib._Decompress | None = None
        self._waiting = b""
        self._taken = 0
        self._given = 0
        self.damage = ""
        """After the end: what is wrong with the compressed data, empty if nothing is."""

    def read(self) -> bytes:
        """The next piece, never more than `CHUNK` bytes; empty at the end."""
        if self._compressed is None:
            self._waiting = self._file.read(CHUNK)
            self._compressed = self._waiting[:2] == _GZIP_MAGIC
        if self._compressed:
            piece = self._inflate()
        else:
            piece, self._waiting = self._waiting or self._file.read(CHUNK), b""
        self._given += len(piece)
        return piece

    def _inflate(self) -> bytes:
        while not self.damage:
            if not self._waiting and not self._refill():
                return b""
            if self._member is None and not self._next_member():
                return b""
            piece = self._step()
            if piece:
                return piece
        return b""

    def _refill(self) -> bool:
        self._waiting = self._file.read(CHUNK)
        self._taken += len(self._waiting)
        if not self._waiting and self._member is not None:
            self.damage = "the compressed data ends in the middle of a member"
        return bool(self._waiting)

    def _next_member(self) -> bool:
        if len(self._waiting) < len(_GZIP_MAGIC):
            self._waiting += self._file.read(CHUNK)
        if self._waiting[:2] != _GZIP_MAGIC:
            self._waiting = b""
            return False
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def _step(self) -> bytes:
        """Feed the decompressor once; what it could read before damage is not lost."""
        member = self._member
        assert member is not None
        before = member.copy()
        try:
            piece = member.decompress(self._waiting, CHUNK)
        except zlib.error as error:
            self.damage = f"the compressed data is damaged ({str(error).rpartition(': ')[2]})"
            return _salvage(before, self._waiting)
        self._waiting = member.unconsumed_tail
        if member.eof:
            self._waiting, self._member = member.unused_data, None
        self._check_ratio()
        return piece

    def _check_ratio(self) -> None:
        if self._given > max(_RATIO_FREE, _RATIO_LIMIT * max(self._taken, CHUNK)):
            text = f"it grows more than {_RATIO_LIMIT}-fold when decompressed, as no recording does"
            raise Corrupt(text, self._given)


def _salvage(member: "zlib._Decompress", data: bytes) -> bytes:
    """Return the bytes up to the first one that the decompressor refuses; at most one chunk."""
    parts: list[bytes] = []
    size = 0
    for at in range(len(data)):
        try:
            part = member.decompress(data[at : at + 1])
        except zlib.error:
            break
        parts.append(part)
        size += len(part)
        if size >= CHUNK:
            break
    return b"".join(parts)[:CHUNK]
