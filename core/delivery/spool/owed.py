"""Sequence numbers of dropped alerts that could not be recorded in the database of the spool: it owes them.

A small file of fixed size beside the spool, written in place, so that a full disk or a damaged database does not lose
the count. `Spool.skip` records them before the next alert is stored.
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_SIZE: Final = 4096


class _Page(msgspec.Struct):
    count: int
    reason: str
    check: int


class OwedNumbers:
    """`count` numbers are owed, for `reason`."""

    def __init__(self, spool: Path) -> None:
        self._path = spool.with_name(spool.name + ".owed")
        self.count, self.reason = 0, ""
        self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._load()
        if os.fstat(self._fd).st_size < _SIZE:
            with suppress(OSError):  # written when there is room; until then the count is in memory only
                os.posix_fallocate(self._fd, 0, _SIZE)
        self._written = self.count

    def _load(self) -> None:
        try:
            page = msgspec.json.decode(os.pread(self._fd, _SIZE, 0).rstrip(b" \0\n") or b"{}", type=_Page)
        except msgspec.MsgspecError:
            return
        if page.check == _check(page.count, page.reason):
            self.count, self.reason = max(0, page.count), page.reason

    def add(self, count: int, reason: str) -> None:
        """Owe more."""
        self.count, self.reason = self.count + count, reason
        self._write()

    def paid(self) -> None:
        """Nothing is owed any more."""
        self.count, self.reason = 0, ""
        if self._written:
            self._write()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _write(self) -> None:
        reason = self.reason[:500]
        page = msgspec.json.encode(_Page(self.count, reason, _check(self.count, reason)))
        with suppress(OSError):  # a disk that takes nothing: written with the next change
            os.pwrite(self._fd, page[:_SIZE].ljust(_SIZE), 0)
            os.fdatasync(self._fd)
            self._written = self.count


def _check(count: int, reason: str) -> int:
    return zlib.crc32(f"{count} {reason}".encode(errors="replace"))
