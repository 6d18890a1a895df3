"""The spool: one SQLite file per sink, in WAL mode, with pending alerts, dead letters and gapless numbers.

Synchronous; runs on the one thread that its owner provides. A commit survives `kill -9`; with `fsync` also a loss of
power. Sequence numbers come from AUTOINCREMENT in the transaction that stores the alert, so their only gaps are
announced ones; `epoch` changes when the file is created anew.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.delivery.alert_queue import GIVEN_UP
from mozu.core.delivery.packed_alert import PackedAlert, time_of, unpack, unpack_form
from mozu.core.delivery.spool.contents import Contents, SpoolCounts
from mozu.core.delivery.spool.disk_room import pages_of
from mozu.core.delivery.spool.dropped_table import DroppedTable
from mozu.core.delivery.spool.file import (
    FreshFile,
    SpoolDamaged,
    SpoolUnusable,
    connect,
    identities,
    open_file,
    set_aside,
    set_bounds,
)
from mozu.core.delivery.spool.forms import FormTable
from mozu.core.delivery.spool.known_numbers import KnownNumbers
from mozu.core.delivery.spool.page_reserve import PageReserve
from mozu.core.delivery.spool.refusal import DiskFull, SpoolFull, SpoolRefused, is_damage, refusal
from mozu.core.delivery.spool.rows import DeadLetter, SpoolStatus, runs
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.delivery.spool.shedding import StoredAlert, displaced, victims, window
from mozu.core.model.alert import Severity

_ROW_OVERHEAD: Final = 24
"""Bytes of a row besides its body: keys and B-tree cells, measured on a million rows."""
_ROWS: Final = 200
"""Rows in one INSERT."""
_NOTICE_BYTES: Final = 1 << 20
"""Bytes beyond `max_bytes` that only mozu's own notices use."""
_MOST_NOTICES: Final = 10_000


class Spool:
    """Spool file of one sink. `max_bytes` bounds pending alerts and dead letters together. `known`: numbers recorded
    outside of the file. `repairs`: the caller is the mozu that delivers from it, and a damaged file is set aside
    (`damage`).

    Raises SpoolUnusable.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 1 << 30,
        fsync: bool = False,
        known: KnownNumbers | None = None,
        repairs: bool = True,
    ) -> None:
        self.path, self._max_bytes, self._fsync = path, max_bytes, fsync
        self._present = set(Severity)
        """Priorities that may have alerts which were not read yet."""
        self._oldest: int | None = None
        self.unreadable: list[int] = []
        """Numbers of alerts that `read` has made dead letters."""
        self._read_to = 0
        self._db, self.damage = open_file(path, fsync=fsync, max_bytes=max_bytes, known=known, repairs=repairs)
        self._room = PageReserve(path, self._db)
        self._adopt()

    def _adopt(self, before: Contents | None = None) -> None:
        """Set up the file that was just opened; `before`: contents of the file that it replaces."""
        self._forms = FormTable(self._db)
        self.epoch = self._meta("epoch")
        self._bytes = self._measure()
        self._contents = Contents(self._db, before)
        self._dropped = DroppedTable(self._db)
        self._place = identities(self.path)
        self._keep_filler()

    def configure(self, *, max_bytes: int, fsync: bool) -> None:
        """Use other bounds for the open file."""
        self._max_bytes, self._fsync = max_bytes, fsync
        set_bounds(self._db, fsync=fsync, max_bytes=max_bytes)

    # --- writing

    def append(self, alerts: Sequence[PackedAlert]) -> int:
        """Store all alerts in one transaction; return the number of the last. Raises SpoolRefused if none is stored.

        A batch of notices alone (source `internal`) may use the space reserved for them.
        """
        notices = all(alert.is_notice for alert in alerts)
        try:
            with self._writing():
                rows = [(self._forms.number(alert.form.raw), alert.body) for alert in alerts]
                size = sum(len(body) + _ROW_OVERHEAD for _, body in rows)
                if self._bytes + size > self._max_bytes + (_NOTICE_BYTES if notices else 0):
                    raise SpoolFull(f"{self.path} is full: spool.bytes is {self._max_bytes}")
                self._room.take(int(sum(pages_of(len(body)) for _, body in rows)) + 8, for_notices=notices)
                self._insert(rows)
                last = self.last()
        except SpoolRefused:
            self._forms.rolled_back()
            raise
        self._bytes += size
        self._present.update(alert.form.priority for alert in alerts)
        self._contents.stored(last, len(rows))
        return last

    def _keep_filler(self) -> None:
        """Insert the filler, whose pages are used for notices when the disk is full, if there is space for it."""
        if self._room.can_fill():
            with suppress(SpoolRefused), self._writing():
                self._room.fill()

    def _insert(self, rows: list[tuple[int, bytes]]) -> None:
        """Insert many rows in one INSERT: each `sqlite3_step` releases the GIL, and must then wait for it."""
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            values = ", ".join(["(?, ?)"] * len(some))
            self._db.execute(f"INSERT INTO alerts (form, body) VALUES {values}", [cell for row in some for cell in row])

    def skip(self, count: int, why: str, debt: str = "") -> tuple[int, int]:
        """Use up `count` numbers for alerts that were dropped by policy; return the range. `debt`: id of the debt that
        this pays."""
        with self._writing():
            first = self.last() + 1
            self._db.execute("INSERT OR IGNORE INTO sqlite_sequence (name, seq) SELECT 'alerts', 0 "
                             "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'alerts')")  # fmt: skip
            self._db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'alerts'", (count,))
            self._note_dropped([(first, first + count - 1)], why)
            if debt:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('paid', ?)", (debt,))
        self._contents.skipped(first, first + count - 1)
        return first, first + count - 1

    def has_paid(self, debt: str) -> bool:
        """Return True if the last debt that was paid is this one."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'paid'").fetchone()
        return row is not None and bool(row[0] == debt)

    def _note_dropped(self, ranges: Sequence[tuple[int, int]], why: str) -> None:
        """Note ranges in the transaction that drops them. Raises SpoolRefused."""
        pages = self._dropped.pages_for(len(ranges), why)
        if pages:
            self._room.take(pages, for_notices=True)
        self._dropped.add(ranges, why)

    def note_lost(self, ranges: Sequence[tuple[int, int]], why: str) -> None:
        """Note numbers that a damaged file has lost, to be announced."""
        with self._writing():
            self._note_dropped(ranges, why)

    def unannounced(self) -> list[tuple[int, int, str]]:
        """Return dropped numbers (first, last, reason) that no notice on disk announces."""
        return self._dropped.all()

    def announced(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Note that notices on disk announce these ranges."""
        with self._writing():
            self._dropped.forget(ranges)

    def drop_oldest(
        self, why: str, most: int, after: int = 0, without: frozenset[int] = frozenset()
    ) -> list[tuple[int, int]]:
        """Drop up to `most` of the oldest alerts that were not read yet; return their numbers as ranges without
        holes."""
        query = "SELECT seq, length(body) FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = self._db.execute(query, (max(after, self._read_to), most + len(without))).fetchall()
        found = [(seq, length) for seq, length in rows if seq not in without][:most]
        self._remove(found, why)
        return runs(seq for seq, _ in found)

    def drop_less_severe(
        self, why: str, than: Severity, size: int, after: int, without: frozenset[int]
    ) -> list[StoredAlert]:
        """Drop alerts of `size` bytes of the least severe priority present, if it is less severe than `than`, by the
        policy of `shedding`. Only alerts that were not read yet: numbers above `after` and above the last one read, and
        not in `without`."""
        for priority in sorted((one for one in self._present if one > than), reverse=True):
            rows = window(self._db, self._forms.get, priority, max(after, self._read_to), without)
            if rows:
                found = victims(rows, size)
                self._remove([(row.number, row.length) for row in found], why)
                return found
            self._present.discard(priority)
        return []

    def displace(
        self, why: str, batch: Sequence[PackedAlert], after: int, without: frozenset[int]
    ) -> tuple[list[StoredAlert], frozenset[int]]:
        """Drop stored alerts of a batch's priority that `shedding` selects in favour of the batch. Return them, and the
        indices of alerts of the batch to drop instead."""
        rows = window(self._db, self._forms.get, batch[0].form.priority, max(after, self._read_to), without)
        found, refused = displaced(rows, batch)
        self._remove([(row.number, row.length) for row in found], why)
        return found, refused

    def _remove(self, rows: Sequence[tuple[int, int]], why: str) -> None:
        """Drop these alerts (number, bytes of the body)."""
        if not rows:
            return
        numbers = [seq for seq, _ in rows]
        ranges = runs(numbers)
        with self._writing():
            for first, last in ranges:
                self._db.execute("DELETE FROM alerts WHERE seq BETWEEN ? AND ?", (first, last))
            self._note_dropped(ranges, why)
        self._bytes -= sum(length + _ROW_OVERHEAD for _, length in rows)
        self._contents.removed(numbers, len(numbers))

    # --- reading and acknowledging

    def read(self, after: int, most: int) -> list[tuple[int, PackedAlert]]:
        """Return up to `most` alerts with numbers above `after`, in order. An undecodable one becomes a dead letter."""
        rows = self._db.execute("SELECT seq, form, body FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?", (after, most))
        alerts = []
        for seq, form, body in rows.fetchall():
            self._read_to = max(self._read_to, seq)
            try:
                alert = PackedAlert(self._forms.get(form), body)
                unpack(alert)
                alerts.append((seq, alert))
            except (msgspec.MsgspecError, ValueError) as error:
                self.dead_letter([(seq, f"cannot be read back: {error}")], unreadable=True)
                self.unreadable.append(seq)
        self._contents.take_in_others()
        return alerts

    def notices(self) -> list[tuple[int, PackedAlert]]:
        """Return mozu's own pending notices (source `internal`), in order."""
        own = []
        for number, raw in self._db.execute("SELECT id, raw FROM forms").fetchall():
            with suppress(msgspec.MsgspecError, ValueError):
                if unpack_form(raw).source == "internal":
                    own.append(number)
        query = f"SELECT seq, form, body FROM alerts WHERE form IN ({', '.join('?' * len(own))}) ORDER BY seq LIMIT ?"
        return self._readable(self._db.execute(query, (*own, _MOST_NOTICES)).fetchall())

    def peek(self, most: int) -> list[tuple[int, PackedAlert]]:
        """Return the first `most` pending alerts without the undecodable ones; the file does not change."""
        return self._readable(self._db.execute("SELECT seq, form, body FROM alerts ORDER BY seq LIMIT ?", (most,)))

    def _readable(self, rows: Iterable[tuple[int, int, bytes]]) -> list[tuple[int, PackedAlert]]:
        found = []
        for seq, form, body in rows:
            with suppress(msgspec.MsgspecError, ValueError):
                alert = PackedAlert(self._forms.get(form), body)
                unpack(alert)
                found.append((seq, alert))
        return found

    def delete(self, numbers: Iterable[int]) -> None:
        """Delete acknowledged alerts in one transaction."""
        freed, gone, numbers = 0, 0, list(numbers)
        size = "SELECT coalesce(sum(length(body)), 0), count(*) FROM alerts WHERE seq BETWEEN ? AND ?"
        with self._writing():
            for first, last in runs(numbers):
                length, count = self._db.execute(size, (first, last)).fetchone()
                freed, gone = freed + length + _ROW_OVERHEAD * count, gone + count
                self._db.execute("DELETE FROM alerts WHERE seq BETWEEN ? AND ?", (first, last))
        self._bytes -= freed
        self._contents.removed(numbers, gone)
        self._keep_filler()

    def count_attempt(self, numbers: Iterable[int]) -> None:
        """Count a failed attempt of these alerts."""
        with self._writing():
            self._db.executemany("UPDATE alerts SET attempts = attempts + 1 WHERE seq = ?", ((n,) for n in numbers))

    def dead_letter(self, numbers: Iterable[tuple[int, str]], *, unreadable: bool = False) -> None:
        """Move these (number, reason) from the table `alerts` to `dead`: they are not tried again, and are to be
        announced. `unreadable`: they could not be decoded."""
        gone, numbers = 0, list(numbers)
        with self._writing():
            for seq, reason in numbers:
                self._db.execute(
                    "INSERT INTO dead (seq, time, attempts, reason, form, body) "
                    "SELECT seq, ?, attempts, ?, form, body FROM alerts WHERE seq = ?",
                    (time.time_ns(), reason, seq),
                )
                gone += self._db.execute("DELETE FROM alerts WHERE seq = ?", (seq,)).rowcount
            self._note_dropped(runs(seq for seq, _ in numbers), GIVEN_UP)
        self._contents.removed([seq for seq, _ in numbers], gone, dead=True, unreadable=unreadable)

    # --- damage while running

    def is_in_place(self) -> bool:
        """Return True if the paths still lead to the open files: the database, its WAL and its shared memory."""
        return identities(self.path) == self._place

    def rebuild(self) -> SpoolDamaged:
        """Set the file aside and continue in a new one: the same epoch, and each readable alert under its own number.

        The open connection is read too, so that a deleted file loses nothing. Raises SpoolUnusable if the file is still
        in its place.
        """
        before, epoch, is_in_place = self._contents, self.epoch, self.is_in_place()
        with suppress(sqlite3.Error):
            before.take_in_others()
        try:
            with FreshFile(self.path) as fresh:
                found = Salvage(fresh.db, wanted=lambda number: number in before.numbers or number > before.last)
                found.take(self._db)
                if is_in_place:
                    self._close_damaged()
                    found.take_file(self.path)
                found.continue_epoch(epoch, before.last)
                self._close_damaged()  # before there is a new file: its end removes the WAL by its name
                aside = set_aside(self.path)
                fresh.place()
            self._db = connect(self.path, fsync=self._fsync, max_bytes=self._max_bytes)
            self._room.close()
            self._room = PageReserve(self.path, self._db)
            self._adopt(before)
        except (OSError, sqlite3.Error) as error:
            raise SpoolUnusable(self.path, error) from error
        lost = runs(before.numbers.without(self._contents.numbers))
        state = "is damaged" if aside is not None else "is gone"
        return SpoolDamaged(self.path, aside, found.alerts, found.dead, lost=lost, state=state)

    def _close_damaged(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()

    # --- inspecting

    def dead(self, since: int = 0, most: int = 1_000) -> list[DeadLetter]:
        """Return dead letters given up at or after `since` (ns), oldest first, without the undecodable ones."""
        query = "SELECT id, seq, time, attempts, reason, form, body FROM dead WHERE time >= ? ORDER BY id LIMIT ?"
        letters = []
        for number, seq, when, attempts, reason, form, body in self._db.execute(query, (since, most)).fetchall():
            with suppress(msgspec.MsgspecError, ValueError):
                alert = unpack(PackedAlert(self._forms.get(form), body))
                letters.append(DeadLetter(number, seq, when, attempts, reason, alert))
        return letters

    def redrive(self, since: int = 0) -> int:
        """Make dead letters given up at or after `since` (ns) pending again, under new numbers; return how many."""
        with self._writing():
            moved = self._db.execute(
                "INSERT INTO alerts (form, body) SELECT form, body FROM dead WHERE time >= ? ORDER BY id", (since,)
            ).rowcount
            self._db.execute("DELETE FROM dead WHERE time >= ?", (since,))
        self._contents.take_in_others()
        return moved

    def status(self) -> SpoolStatus:
        """Return counts, the oldest and the last number, and bytes."""
        waiting, oldest = self._db.execute("SELECT count(*), coalesce(min(seq), 0) FROM alerts").fetchone()
        dead = self._db.execute("SELECT count(*) FROM dead").fetchone()[0]
        return SpoolStatus(self.epoch, waiting, oldest, self.last(), dead, self._bytes)

    def known(self) -> KnownNumbers:
        """Return the numbers that the next process must know even if the file is lost."""
        return KnownNumbers(self.epoch, self._contents.first, self._contents.last)

    def counts(self) -> SpoolCounts:
        """Return the counts without a query."""
        return self._contents.counts

    def last(self) -> int:
        """Return the highest number given so far."""
        return self._contents.last_given()

    def look(self) -> None:
        """Update `oldest`, and include alerts that other processes have put back. An unreadable file is left to the
        next call that needs its alerts."""
        with suppress(sqlite3.Error, msgspec.MsgspecError, ValueError):
            self._contents.take_in_others()
            row = self._db.execute("SELECT body FROM alerts ORDER BY seq LIMIT 1").fetchone()
            self._oldest = None if row is None else time_of(row[0])

    @property
    def oldest(self) -> int | None:
        """Time (ns since 1970) of the event of the oldest waiting alert, as of the last `look`; None if none waits."""
        return self._oldest if self._contents.counts.waiting else None

    @property
    def size(self) -> int:
        """Bytes that count against `max_bytes`."""
        return self._bytes

    def close(self) -> None:
        """Close the database, which writes back the WAL."""
        self._db.close()
        self._room.close()

    # --- transactions and rows

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Run a transaction. Raises SpoolRefused, and sqlite3.DatabaseError for damage. On a full disk the log is
        written back to free space."""
        try:
            with self._db:
                yield
        except sqlite3.OperationalError as error:
            if is_damage(error):
                raise
            refused = refusal(self.path, error)
            if isinstance(refused, DiskFull):
                with suppress(sqlite3.OperationalError):
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raise refused from error

    def _meta(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def _measure(self) -> int:
        query = "SELECT coalesce(sum(length(body)), 0) + ? * count(*) FROM "
        return sum(self._db.execute(query + table, (_ROW_OVERHEAD,)).fetchone()[0] for table in ("alerts", "dead"))
