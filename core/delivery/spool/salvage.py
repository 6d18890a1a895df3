"""Salvage: readable rows of a damaged spool are copied into a new file, one by one, past unreadable pages.

Alerts keep their numbers, and unreadable rows become a range of lost numbers. No more than _CHUNK rows are in memory at
once, however many wait in the spool.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.delivery.spool.forms import FormTable
from mozu.core.delivery.spool.number_set import NumberSet
from mozu.core.delivery.spool.rows import runs, without

Row = tuple[Any, ...]
_CHUNK: Final = 500
"""Rows in one transaction of the new file."""
_MOST_PROBES: Final = 5_000_000
"""Most numbers tried one by one behind unreadable rows; each attempt costs about 10 µs."""


class Salvage:
    """Filler of an empty spool file from one or several sources, keeping the rows that any of them returns.

    `first`: lower numbers are not searched for. `wanted` returns True if an alert may have a number: a page may hold
    deleted rows. A damaged file raises nothing: unreadable numbers are in `lost`. Raises sqlite3.Error for the new
    file.
    """

    def __init__(
        self, into: sqlite3.Connection, *, first: int = 1, wanted: Callable[[int], bool] = lambda number: True
    ) -> None:
        self._into, self._first, self._wanted = into, first, wanted
        self._forms = FormTable(into)
        self._alerts, self._dead = NumberSet(), NumberSet()
        """Sequence numbers of copied alerts, and ids of copied dead letters."""
        self._settled: list[tuple[int, int]] = []
        """Numbers of dead letters and of dropped alerts."""
        self._gaps: list[tuple[int, int | None]] = []
        """Ranges of unreadable numbers; an end of None means the last number that was given."""
        self.last = 0
        """The highest number that was found."""
        self.epoch = ""
        """Epoch of the damaged file; set only if its highest number could be read, too."""
        self.alerts, self.dead = 0, 0
        """Numbers of copied alerts and dead letters."""

    def take(self, db: sqlite3.Connection) -> None:
        """Copy all rows that this connection can read."""
        last = _single(db, "SELECT seq FROM sqlite_sequence WHERE name = 'alerts'")
        epoch = _single(db, "SELECT value FROM meta WHERE name = 'epoch'")
        if isinstance(last, int):
            self.last = max(self.last, last)
            self.epoch = epoch if isinstance(epoch, str) else self.epoch
        self._put("INSERT OR IGNORE INTO forms (id, raw) VALUES (?, ?)", _Rows(db, "forms", "id", "id, raw"))
        alerts = _Rows(db, "alerts", "seq", "seq, form, attempts, body", self._first)
        self._put("INSERT INTO alerts (seq, form, attempts, body) VALUES (?, ?, ?, ?)", self._fresh_alerts(alerts))
        self._gaps += alerts.gaps
        dropped = self._fresh_dropped(_Rows(db, "dropped", "first", "first, last, reason"))
        self._put("INSERT OR IGNORE INTO dropped VALUES (?, ?, ?)", dropped)
        self._put(
            "INSERT INTO dead (id, seq, time, attempts, reason, form, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._fresh_dead(_Rows(db, "dead", "id", "id, seq, time, attempts, reason, form, body")),
        )

    def lost(self, last: int) -> list[tuple[int, int]]:
        """Return ranges of numbers up to `last` that could not be read and whose alerts may have waited."""
        gaps = [(max(first, self._first), last if end is None else min(end, last)) for first, end in self._gaps]
        known = [*runs(self._alerts.without(NumberSet())), *self._settled] if gaps else []
        return without(gaps, known)

    def take_file(self, path: Path) -> None:
        """Copy all readable rows of this file and its WAL."""
        try:
            db = sqlite3.connect(path)
        except sqlite3.Error:
            return
        with closing(db):
            self.take(db)

    def continue_epoch(self, epoch: str, last: int) -> None:
        """Continue the old file's epoch and numbers in the new file; `last` is the highest number that was given. If
        `epoch` is empty, the new file keeps its own."""
        with self._into:
            if epoch:
                self._into.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (epoch,))
            self._into.execute("DELETE FROM sqlite_sequence WHERE name = 'alerts'")
            self._into.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('alerts', ?)", (max(last, self.last),))

    def _put(self, statement: str, rows: Iterable[Row]) -> None:
        left = iter(rows)
        while chunk := list(islice(left, _CHUNK)):
            with self._into:
                self._into.executemany(statement, chunk)

    def _fresh_alerts(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if row[0] in self._alerts or not self._wanted(row[0]):
                continue
            if not (isinstance(row[2], int) and self._decodes(row[1], row[3])):
                self._gaps.append((row[0], row[0]))
                continue
            self._alerts.add(row[0], row[0])
            self.last = max(self.last, row[0])
            self.alerts += 1
            yield row

    def _fresh_dropped(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if isinstance(row[1], int) and row[1] >= row[0] and isinstance(row[2], str):
                self._settled.append((row[0], row[1]))
                self.last = max(self.last, row[1])
                yield row

    def _fresh_dead(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            sound = all(isinstance(value, int) for value in row[1:4]) and isinstance(row[4], str)
            if row[0] not in self._dead and sound and self._decodes(row[5], row[6]):
                self._dead.add(row[0], row[0])
                self._settled.append((row[1], row[1]))
                self.last = max(self.last, row[1])
                self.dead += 1
                yield row

    def _decodes(self, form: int, body: bytes) -> bool:
        """Return True if the values can be decoded. They may be of any type: columns of SQLite accept any."""
        with suppress(msgspec.MsgspecError, ValueError):
            unpack(PackedAlert(self._forms.get(form), body))
            return True
        return False


def _single(db: sqlite3.Connection, query: str) -> object:
    try:
        row = db.execute(query).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else row[0]


class _Rows:
    """Rows of a table in the order of their key, from `start` on, past unreadable ones. `gaps` are the ranges of keys
    that were skipped, with None for an unknown end."""

    def __init__(self, db: sqlite3.Connection, table: str, key: str, columns: str, start: int = 1) -> None:
        self._db, self._table, self._key, self._start = db, table, key, start
        self._query = f"SELECT {columns} FROM {table} WHERE {key} >= ? ORDER BY {key}"
        self._probes = 0
        self.gaps: list[tuple[int, int | None]] = []
        last = _single(db, f"SELECT max({key}) FROM {table}")
        if not isinstance(last, int):
            last = _single(db, f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")
        self._last = last if isinstance(last, int) else None

    def __iter__(self) -> Iterator[Row]:
        at: int | None = self._start
        broken: int | None = None
        while at is not None:
            try:
                for row in self._db.execute(self._query, (at,)):
                    if not isinstance(row[0], int) or row[0] < at:
                        self.gaps.append((self._start, None))  # a page of another place: no hole proves anything
                        break
                    if broken is not None:
                        self.gaps.append((broken, row[0] - 1))
                    at, broken = row[0] + 1, None
                    yield row
                else:
                    break
            except sqlite3.Error:
                pass
            broken = at if broken is None else broken
            at = self._next_readable(at)
        if broken is not None:
            self.gaps.append((broken, None))

    def _next_readable(self, at: int) -> int | None:
        """Return the next key whose row can be looked up without an error; None if there is none."""
        last = at if self._last is None else self._last
        for key in range(at + 1, last + 1):
            if _is_readable(self._db, self._table, self._key, key):
                return key
            self._probes += 1
            if self._probes > _MOST_PROBES:
                break
        return None


def _is_readable(db: sqlite3.Connection, table: str, key: str, at: int) -> bool:
    try:
        db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (at,)).fetchone()
    except sqlite3.Error:
        return False
    return True
