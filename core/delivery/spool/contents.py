"""Contents of a spool: number of alerts and dead letters, and their sequence numbers, without a query for each call.

A number above the last one that this process has given belongs to an alert that another process has put back (`mozu
redrive`).
"""

import sqlite3
from typing import Final

import msgspec

from mozu.core.delivery.spool.number_set import NumberSet

_LAST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'alerts'"


class SpoolCounts(msgspec.Struct, frozen=True):
    """Alerts and dead letters in the spool, and totals since the spool was opened."""

    waiting: int = 0
    dead: int = 0
    stored: int = 0
    """Alerts that this process has appended."""
    redriven: int = 0
    """Dead letters that became alerts again."""
    unreadable: int = 0
    """Alerts that became dead letters because they could not be read back."""


class Contents:
    """The contents of one open database.

    Its owner reports each change after the transaction. `before`: the contents of the file that this one replaces.
    """

    def __init__(self, db: sqlite3.Connection, before: "Contents | None" = None) -> None:
        self._db = db
        self.numbers = NumberSet(seq for (seq,) in db.execute("SELECT seq FROM alerts ORDER BY seq"))
        waiting = int(db.execute("SELECT count(*) FROM alerts").fetchone()[0])
        self.last = self.last_given()
        self.counts = SpoolCounts(waiting, self._count_dead())
        if before is not None:
            totals = before.counts
            fresh = int(db.execute("SELECT count(*) FROM alerts WHERE seq > ?", (before.last,)).fetchone()[0])
            self._change(stored=totals.stored, redriven=totals.redriven + fresh, unreadable=totals.unreadable)

    @property
    def first(self) -> int:
        """The lowest number that waits; the next one to be given if none does."""
        lowest = self.numbers.lowest()
        return self.last + 1 if lowest is None else lowest

    def last_given(self) -> int:
        """Return the highest number that the file has given so far, by a query."""
        row = self._db.execute(_LAST).fetchone()
        return row[0] if row else 0

    def stored(self, last: int, count: int) -> None:
        """Count appended alerts, the last one under the number `last`."""
        first = last - count + 1
        self.take_in_others(before=first)
        self._change(waiting=count, stored=count)
        self.numbers.add(first, last)
        self.last = last

    def skipped(self, first: int, last: int) -> None:
        """Note that these numbers were used for alerts that are not in the file."""
        self.take_in_others(before=first)
        self.last = last

    def removed(self, numbers: list[int], count: int, *, dead: bool = False, unreadable: bool = False) -> None:
        """Count alerts with these numbers that were deleted (`count` of them existed), or became `dead` letters,
        perhaps because they were `unreadable`."""
        self._change(waiting=-count, dead=count if dead else 0, unreadable=count if unreadable else 0)
        self.numbers.discard(numbers)

    def take_in_others(self, before: int | None = None) -> None:
        """Include the alerts that another process has put back, if their numbers are below `before`."""
        limit = self.last_given() + 1 if before is None else before
        if limit <= self.last + 1:
            return
        query = "SELECT seq FROM alerts WHERE seq > ? AND seq < ? ORDER BY seq"
        found = [seq for (seq,) in self._db.execute(query, (self.last, limit))]
        for seq in found:
            self.numbers.add(seq, seq)
        self.last = limit - 1
        self._change(waiting=len(found), redriven=len(found), dead=self._count_dead() - self.counts.dead)

    def _change(self, **by: int) -> None:
        now = {name: getattr(self.counts, name) + number for name, number in by.items()}
        self.counts = msgspec.structs.replace(self.counts, **now)

    def _count_dead(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM dead").fetchone()[0])
