"""An open file of lines, which is read from a position on.

A position is an offset with the bytes before it. These bytes distinguish a file that has grown from one that was
truncated and written again, and identify a copy, whatever its name and inode are. All functions may block; call them on
a thread.
"""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_WINDOW: Final = 256
"""Bytes before the offset that a position keeps."""
_CHUNK: Final = 1 << 20
"""Bytes of a read; of one line, up to the most that it may have."""


class FilePosition(msgspec.Struct):
    """A place behind a line."""

    device: int
    inode: int
    offset: int = 0
    before: bytes = b""
    """The last bytes before the offset, 256 at most."""
    modified: int = 0
    """Time of the file's last change, as seen at the last read, in ns since the epoch."""
    is_skipping: bool = False
    """True within a line that is too long."""
    is_finished: bool = False
    """True if the file was read to its end, and its writer has gone."""


class LineFile:
    """An open file. `ends`: True if its writer has gone, so that it does not grow."""

    def __init__(self, descriptor: int, position: FilePosition, *, ends: bool = False) -> None:
        self.descriptor, self.position, self.ends = descriptor, position, ends
        self.quiet_since = time.monotonic()

    def is_rewritten(self) -> bool:
        """Return True if the bytes before the position are no longer those that were read."""
        return not continues(self.descriptor, self.position)

    def read(self, longest: int, on_long: Callable[[], None]) -> list[bytes]:
        """Return the next whole lines; empty if there are none, or the file was rewritten."""
        position, wanted = self.position, _CHUNK
        self._skip_hole()
        while True:
            data = os.pread(self.descriptor, len(position.before) + wanted, position.offset - len(position.before))
            if not data.startswith(position.before):  # compared in the same read: no truncation comes in between
                return []
            data = data[len(position.before) :]
            end = data.rfind(b"\n") + 1
            if end or len(data) < min(wanted, longest):
                break
            if len(data) >= longest:
                return self._skip(data, on_long)
            wanted = min(wanted * 2, longest)
        lines = data[:end].split(b"\n")[:-1]
        if lines and position.is_skipping:
            position.is_skipping, lines = False, lines[1:]
        if not end and position.is_skipping:
            end = len(data)
        self._advance(data[:end])
        for line in lines:
            if len(line) > longest:
                on_long()
        return [line for line in map(_stripped, lines) if line and len(line) <= longest]

    def rest(self, longest: int) -> list[bytes]:
        """Return what is left behind the last line's end."""
        data = os.pread(self.descriptor, longest, self.position.offset)
        self._advance(data)
        line = _stripped(data)
        return [line] if line and not self.position.is_skipping else []

    def unread(self) -> int:
        """Return the number of bytes behind the position."""
        return max(0, os.fstat(self.descriptor).st_size - self.position.offset)

    def _skip_hole(self) -> None:
        """Move from the beginning to the first data: a writer without O_APPEND leaves a hole when the file is
        truncated."""
        if self.position.offset == 0:
            with suppress(OSError):  # an empty file, or a file system without SEEK_DATA
                self.position.offset = os.lseek(self.descriptor, 0, os.SEEK_DATA)

    def _skip(self, data: bytes, on_long: Callable[[], None]) -> list[bytes]:
        if not self.position.is_skipping:
            on_long()
        self.position.is_skipping = True
        self._advance(data)
        return []

    def _advance(self, data: bytes) -> None:
        if data:
            self.position.offset += len(data)
            self.position.before = (self.position.before + data[-_WINDOW:])[-_WINDOW:]
            self.position.modified = os.fstat(self.descriptor).st_mtime_ns
            self.quiet_since = time.monotonic()


def open_lines(path: Path, *, ends: bool = False) -> LineFile:
    """Open a regular file at its beginning. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no regular file")
    return LineFile(descriptor, FilePosition(found.st_dev, found.st_ino), ends=ends)


def continues(descriptor: int, position: FilePosition) -> bool:
    """Return True if the file has the bytes before the position there, and is not shorter."""
    size = len(position.before)
    is_long_enough = os.fstat(descriptor).st_size >= position.offset
    return is_long_enough and os.pread(descriptor, size, position.offset - size) == position.before


def _stripped(line: bytes) -> bytes:
    """Return the line without the zeros of a hole, and without white space at its ends."""
    return line.lstrip(b"\0").strip()


def moved(position: FilePosition, file: FilePosition) -> FilePosition:
    """Return a position in another file with the same content."""
    return FilePosition(
        file.device, file.inode, position.offset, position.before, position.modified, position.is_skipping
    )
