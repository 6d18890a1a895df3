"""The table `dropped`: numbers of dropped alerts that no notice on disk has announced yet, as exact ranges.

A range is written in the transaction that uses its numbers or deletes its alerts, and deleted once the notice that
announces it is on disk. A process that ends between the two (`kill -9`) leaves the range to the next one.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from mozu.core.delivery.spool.disk_room import PAGE_BYTES

_CELL: Final = 24
"""Most bytes of a row besides its reason: cell pointer, key, record header, the greater number."""
_FIRST_PAGE: Final = 3_800
"""Bytes of rows that fit on the first page, which the table has from its creation."""


ADD_RANGE: Final = (
    "INSERT INTO dropped VALUES (?, ?, ?) ON CONFLICT (first) DO UPDATE SET last = max(last, excluded.last)"
)


class DroppedTable:
    """The table in one open database; changes happen within a transaction of the caller."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._bytes = self._measure()

    def pages_for(self, count: int, reason: str) -> int:
        """Return the most pages that `count` more ranges need; 0 as long as they fit on the first page."""
        more = count * (_CELL + len(reason.encode()))
        return 0 if self._bytes + more <= _FIRST_PAGE else more * 2 // PAGE_BYTES + 2

    def add(self, ranges: Sequence[tuple[int, int]], reason: str) -> None:
        """Add dropped ranges. A single range that continues the one before it is merged with it."""
        if len(ranges) == 1 and self._is_continued(*ranges[0], reason):
            return
        self._db.executemany(ADD_RANGE, [(*one, reason) for one in ranges])
        self._bytes += len(ranges) * (_CELL + len(reason.encode()))

    def _is_continued(self, first: int, last: int, reason: str) -> bool:
        before = self._before(first)
        if before is None or before[1] != first - 1 or before[2] != reason:
            return False
        self._db.execute("UPDATE dropped SET last = ? WHERE first = ?", (last, before[0]))
        return True

    def forget(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Remove announced ranges; parts of stored ranges outside of them stay."""
        for first, last in ranges:
            before = self._before(first)
            cut = [before] if before is not None and before[1] >= first else []
            cut += self._db.execute("SELECT * FROM dropped WHERE first BETWEEN ? AND ? AND last > ?",
                                    (first, last, last)).fetchall()  # fmt: skip
            self._db.execute("DELETE FROM dropped WHERE first BETWEEN ? AND ?", (first, last))
            for start, end, reason in cut:
                if start < first:
                    self._db.execute("UPDATE dropped SET last = ? WHERE first = ?", (first - 1, start))
                if end > last:
                    self._db.execute("INSERT INTO dropped VALUES (?, ?, ?)", (last + 1, end, reason))
        self._bytes = self._measure()

    def all(self) -> list[tuple[int, int, str]]:
        """Return all ranges (first, last, reason), in order."""
        rows: list[tuple[int, int, str]] = self._db.execute("SELECT * FROM dropped ORDER BY first").fetchall()
        return rows

    def _before(self, first: int) -> tuple[int, int, str] | None:
        query = "SELECT * FROM dropped WHERE first < ? ORDER BY first DESC LIMIT 1"
        found: tuple[int, int, str] | None = self._db.execute(query, (first,)).fetchone()
        return found

    def _measure(self) -> int:
        query = "SELECT coalesce(sum(length(CAST(reason AS BLOB))), 0) + ? * count(*) FROM dropped"
        return int(self._db.execute(query, (_CELL,)).fetchone()[0])
