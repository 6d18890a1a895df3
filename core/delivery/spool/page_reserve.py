"""Disk space for the pages of an open spool: allocated before they are written, and reserved for mozu's own notices."""

import sqlite3
from pathlib import Path
from typing import Final

from mozu.core.delivery.spool.disk_room import PAGE_BYTES, preallocate, preallocate_wal
from mozu.core.delivery.spool.refusal import refusal_of

_FILLER_PAGES: Final = 64
"""Pages of the row `filler`, which is deleted only for notices and for numbers to be announced, so that they have space
on a full disk. SQLite would use pages that are merely free for the next alert."""


class PageReserve:
    """The reserve of one open database; changes happen within a transaction of the caller."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._path, self._db = path, db
        self._file = path.open("r+b", buffering=0)
        self._has_wal_room = preallocate_wal(path)

    def take(self, pages: int, *, for_notices: bool) -> None:
        """Allocate blocks that the checkpoint needs for so many more pages. Raises SpoolRefused."""
        if not self._has_wal_room:
            self._has_wal_room = preallocate_wal(self._path)
        missing = pages - self._free_pages()
        if missing <= 0:
            return
        error = preallocate(self._file.fileno(), self._end(), missing * PAGE_BYTES)
        if error == 0:
            return
        if for_notices and self._has_filler() and missing <= _FILLER_PAGES:
            self._db.execute("DELETE FROM meta WHERE name = 'filler'")
            return
        raise refusal_of(self._path, error)

    def can_fill(self) -> bool:
        """Return True if the filler is missing and the disk has space for it."""
        if self._has_filler():
            return False
        missing = _FILLER_PAGES + 8 - self._free_pages()
        return missing <= 0 or preallocate(self._file.fileno(), self._end(), missing * PAGE_BYTES) == 0

    def fill(self) -> None:
        """Insert the filler."""
        size = _FILLER_PAGES * (PAGE_BYTES - 4)  # an overflow page holds the number of the next one
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('filler', zeroblob(?))", (size,))

    def close(self) -> None:
        """Close the file, after the database is closed: see `preallocate`. Idempotent."""
        self._file.close()

    def _has_filler(self) -> bool:
        return self._db.execute("SELECT 1 FROM meta WHERE name = 'filler'").fetchone() is not None

    def _free_pages(self) -> int:
        return int(self._db.execute("PRAGMA freelist_count").fetchone()[0])

    def _end(self) -> int:
        """Return the offset of the first byte behind the database."""
        return int(self._db.execute("PRAGMA page_count").fetchone()[0]) * PAGE_BYTES
