"""Salvage: what can be read of a damaged spool goes into a new file, row by row, past the pages that cannot be read.

No more than _CHUNK rows are in memory at once, however much waits in the spool.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.delivery.spool.forms import FormTable
from mozu.core.delivery.spool.number_set import NumberSet

Row = tuple[Any, ...]
_CHUNK: Final = 500
"""Rows in one transaction of the new file."""
_MOST_PROBES: Final = 5_000_000
"""Numbers tried one by one behind rows that cannot be read; each try costs about 10 µs."""


class Salvage:
    """Fills an empty spool file; may take the same file several times, by another way each, and keeps what any gives.

    With `keeps_numbers` alerts keep theirs, else they get new ones. A damaged file raises nothing: what cannot be read
    is not there. Raises sqlite3.Error for the new file.
    """

    def __init__(self, into: sqlite3.Connection, *, keeps_numbers: bool) -> None:
        self._into, self._keeps_numbers = into, keeps_numbers
        self._forms = FormTable(into)
        self._alerts, self._dead = NumberSet(), NumberSet()
        """What was taken over: sequence numbers, and ids of dead letters."""
        self._last = 0
        self.alerts, self.dead = 0, 0
        """How many were taken over."""

    def take(self, db: sqlite3.Connection) -> None:
        """Everything that this connection can read."""
        last = _single(db, "SELECT seq FROM sqlite_sequence WHERE name = 'alerts'")
        self._last = max(self._last, last if isinstance(last, int) else 0)
        self._put("INSERT OR IGNORE INTO forms (id, raw) VALUES (?, ?)", _rows(db, "forms", "id", "id, raw"))
        alerts = self._fresh_alerts(_rows(db, "alerts", "seq", "seq, form, attempts, body"))
        if self._keeps_numbers:
            self._put("INSERT INTO alerts (seq, form, attempts, body) VALUES (?, ?, ?, ?)", alerts)
            dropped = _rows(db, "dropped", "first", "first, last, reason")
            self._put("INSERT OR IGNORE INTO dropped VALUES (?, ?, ?)", dropped)
        else:
            self._put("INSERT INTO alerts (form, attempts, body) VALUES (?, ?, ?)", (row[1:] for row in alerts))
        self._put(
            "INSERT INTO dead (id, seq, time, attempts, reason, form, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._fresh_dead(_rows(db, "dead", "id", "id, seq, time, attempts, reason, form, body")),
        )

    def take_file(self, path: Path) -> None:
        """Everything that can be read of this file and its WAL."""
        try:
            db = sqlite3.connect(path)
        except sqlite3.Error:
            return
        with closing(db):
            self.take(db)

    def continue_epoch(self, epoch: str, last: int) -> None:
        """The new file goes on with the epoch and the numbers of the old one; `last` is the highest that was given."""
        with self._into:
            self._into.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (epoch,))
            self._into.execute("DELETE FROM sqlite_sequence WHERE name = 'alerts'")
            self._into.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('alerts', ?)", (max(last, self._last),)
            )

    def _put(self, statement: str, rows: Iterable[Row]) -> None:
        left = iter(rows)
        while chunk := list(islice(left, _CHUNK)):
            with self._into:
                self._into.executemany(statement, chunk)

    def _fresh_alerts(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if row[0] not in self._alerts and isinstance(row[2], int) and self._decodes(row[1], row[3]):
                self._alerts.add(row[0], row[0])
                self._last = max(self._last, row[0])
                self.alerts += 1
                yield row

    def _fresh_dead(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            sound = all(isinstance(value, int) for value in row[1:4]) and isinstance(row[4], str)
            if row[0] not in self._dead and sound and self._decodes(row[5], row[6]):
                self._dead.add(row[0], row[0])
                self._last = max(self._last, row[1])
                self.dead += 1
                yield row

    def _decodes(self, form: int, body: bytes) -> bool:
        """They may be of any type: the tables of SQLite hold what is put into them."""
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


def _rows(db: sqlite3.Connection, table: str, key: str, columns: str) -> Iterator[Row]:
    """Rows in the order of their key. After one that cannot be read the next readable key is looked for."""
    at, probes = 1, 0
    last = _single(db, f"SELECT max({key}) FROM {table}")
    if not isinstance(last, int):
        last = _single(db, f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")
    while not isinstance(last, int) or at <= last:
        try:
            for row in db.execute(f"SELECT {columns} FROM {table} WHERE {key} >= ? ORDER BY {key}", (at,)):
                if not isinstance(row[0], int) or row[0] < at:
                    break  # a page of another place: the keys run backwards
                at = row[0] + 1
                yield row
            else:
                return
        except sqlite3.Error:
            pass
        if not isinstance(last, int):
            return
        at += 1
        while at <= last and not _is_readable(db, table, key, at):
            at, probes = at + 1, probes + 1
            if probes > _MOST_PROBES:
                return


def _is_readable(db: sqlite3.Connection, table: str, key: str, at: int) -> bool:
    try:
        db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (at,)).fetchone()
    except sqlite3.Error:
        return False
    return True
