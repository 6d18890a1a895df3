"""The spool: one SQLite file per sink, in WAL mode, with pending alerts, dead letters and gapless numbers.

Synchronous; runs on the one thread that its owner gives it. A commit survives `kill -9`; with `fsync` also a loss of
power. Sequence numbers come from AUTOINCREMENT in the transaction that stores the alert, so they have no gap but those
that are announced; `epoch` changes when the file is made anew.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.delivery.spool.codec import SpoolEncoder, SpoolForm, decode_alert, decode_form
from mozu.core.delivery.spool.file import SpoolFull, open_file
from mozu.core.model.alert import Alert

_ROW_OVERHEAD: Final = 24
"""Bytes of a row besides its body: keys and B-tree cells, measured on a million rows."""
_ROWS: Final = 200
"""Rows in one INSERT."""


class DeadLetter(msgspec.Struct):
    """An alert that could not be delivered, and why."""

    id: int
    sequence: int
    time: int
    """ns since the epoch at which it was given up."""
    attempts: int
    reason: str
    alert: Alert


class SpoolStatus(msgspec.Struct):
    """What is in a spool."""

    epoch: str
    waiting: int
    oldest: int
    """Sequence number of the first that waits, 0 for none."""
    last: int
    """The highest sequence number ever given."""
    dead: int
    bytes: int
    """Of pending alerts and dead letters."""


class Spool:
    """`max_bytes` bounds pending alerts and dead letters together."""

    def __init__(self, path: Path, *, max_bytes: int = 1 << 30, fsync: bool = False) -> None:
        self.path, self._max_bytes = path, max_bytes
        self._forms: dict[int, SpoolForm] = {}
        self._form_ids: dict[bytes, int] = {}
        self._encoded = SpoolEncoder()
        self._db, self.damage = open_file(path, fsync=fsync)
        self.epoch = self._meta("epoch")
        self._bytes = self._measure()

    # --- writing

    def append(self, alerts: Sequence[Alert]) -> int:
        """Store all in one transaction; the number of the last. Raises SpoolFull if they do not fit: none is stored."""
        try:
            with self._writing():
                rows = [self._row(alert) for alert in alerts]
                size = sum(len(body) + _ROW_OVERHEAD for _, body in rows)
                if self._bytes + size > self._max_bytes:
                    raise SpoolFull(f"{self.path} holds {self._bytes} bytes of at most {self._max_bytes}")
                self._insert(rows)
                last = self.last()
        except SpoolFull:
            self._form_ids.clear()  # forms made in the transaction went back with it
            raise
        self._bytes += size
        return last

    def _insert(self, rows: list[tuple[int, bytes]]) -> None:
        """Many rows in one INSERT: each `sqlite3_step` releases the GIL, and must then wait for it."""
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            values = ", ".join(["(?, ?)"] * len(some))
            self._db.execute(f"INSERT INTO alerts (form, body) VALUES {values}", [cell for row in some for cell in row])

    def skip(self, count: int) -> tuple[int, int]:
        """Use up `count` numbers for alerts that were dropped by policy: the range."""
        with self._writing():
            first = self.last() + 1
            self._db.execute("INSERT OR IGNORE INTO sqlite_sequence (name, seq) SELECT 'alerts', 0 "
                             "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'alerts')")  # fmt: skip
            self._db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'alerts'", (count,))
        return first, first + count - 1

    def drop_oldest(self, most: int) -> tuple[int, int, int]:
        """Drop up to `most` alerts to make room: (first number, last number, how many)."""
        numbers, freed = [], 0
        for seq, length in self._db.execute("SELECT seq, length(body) FROM alerts ORDER BY seq LIMIT ?", (most,)):
            numbers.append(seq)
            freed += length + _ROW_OVERHEAD
        if not numbers:
            return 0, 0, 0
        with self._writing():
            self._db.execute("DELETE FROM alerts WHERE seq <= ?", (numbers[-1],))
        self._bytes -= freed
        return numbers[0], numbers[-1], len(numbers)

    # --- reading and acknowledging

    def read(self, after: int, most: int) -> list[tuple[int, Alert]]:
        """Up to `most` alerts with numbers above `after`, in order. An undecodable one becomes a dead letter."""
        rows = self._db.execute("SELECT seq, form, body FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?", (after, most))
        alerts = []
        for seq, form, body in rows.fetchall():
            try:
                alerts.append((seq, decode_alert(self._form(form), body)))
            except (msgspec.MsgspecError, ValueError) as error:
                self.dead_letter([(seq, f"cannot be read back: {error}")])
        return alerts

    def delete(self, numbers: Iterable[int]) -> None:
        """DELETE alerts that were acknowledged, in one transaction."""
        freed = 0
        size = "SELECT coalesce(sum(length(body)), 0) + ? * count(*) FROM alerts WHERE seq BETWEEN ? AND ?"
        with self._writing():
            for first, last in _runs(numbers):
                freed += self._db.execute(size, (_ROW_OVERHEAD, first, last)).fetchone()[0]
                self._db.execute("DELETE FROM alerts WHERE seq BETWEEN ? AND ?", (first, last))
        self._bytes -= freed

    def count_attempt(self, numbers: Iterable[int]) -> None:
        """Count an attempt that failed."""
        with self._writing():
            self._db.executemany("UPDATE alerts SET attempts = attempts + 1 WHERE seq = ?", ((n,) for n in numbers))

    def dead_letter(self, numbers: Iterable[tuple[int, str]]) -> None:
        """Move these (number, reason) from the table `alerts` to `dead`: they are not tried again."""
        with self._writing():
            for seq, reason in numbers:
                self._db.execute(
                    "INSERT INTO dead (seq, time, attempts, reason, form, body) "
                    "SELECT seq, ?, attempts, ?, form, body FROM alerts WHERE seq = ?",
                    (time.time_ns(), reason, seq),
                )
                self._db.execute("DELETE FROM alerts WHERE seq = ?", (seq,))

    # --- inspecting

    def dead(self, since: int = 0, most: int = 1_000) -> list[DeadLetter]:
        """Dead letters given up at or after `since` (ns), oldest first. What cannot be decoded is left out."""
        query = "SELECT id, seq, time, attempts, reason, form, body FROM dead WHERE time >= ? ORDER BY id LIMIT ?"
        letters = []
        for number, seq, when, attempts, reason, form, body in self._db.execute(query, (since, most)).fetchall():
            try:
                letters.append(DeadLetter(number, seq, when, attempts, reason, decode_alert(self._form(form), body)))
            except (msgspec.MsgspecError, ValueError):
                continue
        return letters

    def redrive(self, since: int = 0) -> int:
        """Dead letters given up at or after `since` are pending again, under new numbers; how many."""
        with self._writing():
            moved = self._db.execute(
                "INSERT INTO alerts (form, body) SELECT form, body FROM dead WHERE time >= ? ORDER BY id", (since,)
            ).rowcount
            self._db.execute("DELETE FROM dead WHERE time >= ?", (since,))
        return moved

    def status(self) -> SpoolStatus:
        """Counts, the oldest and the last number, bytes."""
        waiting, oldest = self._db.execute("SELECT count(*), coalesce(min(seq), 0) FROM alerts").fetchone()
        dead = self._db.execute("SELECT count(*) FROM dead").fetchone()[0]
        return SpoolStatus(self.epoch, waiting, oldest, self.last(), dead, self._bytes)

    def last(self) -> int:
        """The highest number given so far."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
        return row[0] if row else 0

    @property
    def size(self) -> int:
        """Bytes that count against the bound."""
        return self._bytes

    def close(self) -> None:
        """Close the database, which writes the WAL back."""
        self._db.close()

    # --- transactions and rows

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A transaction. Raises SpoolFull where the disk has no room; the log is then written back to make some."""
        try:
            with self._db:
                yield
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raise SpoolFull(f"{self.path}: {error}") from error

    def _meta(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def _measure(self) -> int:
        query = "SELECT coalesce(sum(length(body)), 0) + ? * count(*) FROM "
        return sum(
            self._db.execute(query + table, (_ROW_OVERHEAD,)).fetchone()[0] for table in ("alerts", "dead")
        )

    def _row(self, alert: Alert) -> tuple[int, bytes]:
        form, body = self._encoded.encode(alert)
        number = self._form_ids.get(form)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (form,))
            number = int(self._db.execute("SELECT id FROM forms WHERE raw = ?", (form,)).fetchone()[0])
            self._form_ids[form] = number
        return number, body

    def _form(self, number: int) -> SpoolForm:
        form = self._forms.get(number)
        if form is None:
            row = self._db.execute("SELECT raw FROM forms WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise ValueError(f"form {number} is missing")
            form = self._forms[number] = decode_form(row[0])
        return form


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ranges (first, last) without holes."""
    first = last = None
    for number in sorted(numbers):
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
