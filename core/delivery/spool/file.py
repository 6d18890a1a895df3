"""The file of a spool: its SQL schema, its PRAGMAs, and the replacement of a damaged one."""

import glob
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from mozu.core.common.own_file import check_own
from mozu.core.delivery.alert_queue import SPOOL_DAMAGED
from mozu.core.delivery.spool.disk_room import PAGE_BYTES, WAL_BYTES, forbid_copy_on_write, is_copy_on_write
from mozu.core.delivery.spool.dropped_table import ADD_RANGE
from mozu.core.delivery.spool.known_numbers import KnownNumbers
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.errors import MozuError

SCHEMA_VERSION: Final = 1
FILES: Final = ("", "-wal", "-shm")
"""Suffixes of the files that SQLite keeps for one database."""
_LOCK_TIMEOUT: Final = 1.0
"""Seconds for which a statement waits for another process's transaction; the writer tries again after that."""
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE forms (id INTEGER PRIMARY KEY, raw BLOB NOT NULL UNIQUE);
CREATE TABLE alerts (seq INTEGER PRIMARY KEY AUTOINCREMENT, form INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL);
CREATE TABLE dead (id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, time INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, form INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE dropped (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, reason TEXT NOT NULL);
"""
_TABLES: Final = {"meta", "forms", "alerts", "dead", "dropped"}


class SpoolDamaged(MozuError):
    """A spool file cannot be read, or is missing. `salvaged` alerts were copied to a new file; `aside` is the path of
    the old file, None if there is none. `lost` are ranges of numbers that could not be read and whose alerts may have
    waited."""

    def __init__(
        self,
        path: Path,
        aside: Path | None,
        salvaged: int,
        dead: int,
        *,
        lost: Sequence[tuple[int, int]],
        state: str = "is damaged",
    ) -> None:
        self.lost_alerts = sum(last - first + 1 for first, last in lost)
        letters = f" and {dead} dead letters" if dead else ""
        kept = "" if aside is None else f", the file is kept as {aside.name}"
        taken = f"{salvaged} alerts{letters} were taken over, {self.lost_alerts} could not be read"
        super().__init__(f"{path} {state}: {taken}{kept}")
        self.aside, self.salvaged, self.lost = aside, salvaged, tuple(lost)


class SpoolUnusable(MozuError):
    """The file can be neither opened nor created."""

    def __init__(
        self,
        path: Path,
        error: Exception,
        remedy: str = "give `spool.path` a file where there is room and mozu may write",
    ) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        super().__init__(f"spool {path}: {why}; {remedy}")


def identities(path: Path) -> dict[str, tuple[int, int]]:
    """Return device and inode of the database, its WAL and its shared memory, by suffix, of those that exist."""
    found = {}
    for suffix in FILES:
        with suppress(OSError):
            status = path.with_name(path.name + suffix).stat()
            found[suffix] = status.st_dev, status.st_ino
    return found


def open_file(
    path: Path, *, fsync: bool, max_bytes: int, known: KnownNumbers | None, repairs: bool
) -> tuple[sqlite3.Connection, SpoolDamaged | None]:
    """Return the open database, created if missing, and its damage. With `repairs`, a damaged file is set aside, and
    those of the numbers `known` that it has lost are noted in it as dropped. Raises SpoolUnusable."""
    try:
        for suffix in FILES:  # SQLite opens them by their names, the last two without following links
            check_own(path.with_name(path.name + suffix))
        if known is not None and not path.exists():
            return _replace(path, known, fsync=fsync, max_bytes=max_bytes)
        try:
            db = connect(path, fsync=fsync, max_bytes=max_bytes)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            if not repairs:
                raise
            return _replace(path, known, fsync=fsync, max_bytes=max_bytes)
        return db, None if known is None else _catch_up(path, db, known)
    except OSError as error:
        raise SpoolUnusable(path, error) from error
    except sqlite3.OperationalError as error:
        raise SpoolUnusable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise SpoolUnusable(path, error, remedy="it is damaged, and the next start of mozu repairs it") from error


def connect(path: Path, *, fsync: bool, max_bytes: int) -> sqlite3.Connection:
    """Open the file, created if missing. Raises OSError, and sqlite3.DatabaseError if it is damaged."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FreshFile(path) as fresh:
            fresh.place()
    db = sqlite3.connect(path, check_same_thread=False, timeout=_LOCK_TIMEOUT)
    try:
        _prepare(path, db, fsync=fsync, max_bytes=max_bytes)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(path: Path, db: sqlite3.Connection, *, fsync: bool, max_bytes: int) -> None:
    """Set up the connection. Raises sqlite3.DatabaseError if the file is damaged."""
    if is_copy_on_write(path.parent):
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        with suppress(OSError):
            forbid_copy_on_write(path.with_name(path.name + "-wal"))
    db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    db.execute("PRAGMA wal_autocheckpoint = 250")  # 1 MB, well below WAL_BYTES
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("the file does not pass its own check")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _TABLES - tables:
        raise sqlite3.DatabaseError("the file has lost its tables")
    set_bounds(db, fsync=fsync, max_bytes=max_bytes)


def set_bounds(db: sqlite3.Connection, *, fsync: bool, max_bytes: int) -> None:
    """Set the bounds that may change while the file is open. To be called outside of a transaction."""
    db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    # The spool's own bound must be reached before SQLite's: rows fill pages to at least two thirds.
    db.execute(f"PRAGMA max_page_count = {2 * max_bytes // PAGE_BYTES + 4_096}")


class FreshFile:
    """A new, empty spool file under a temporary name until `place`, so that no process sees a half-made one. The files
    of one that was not placed are removed. Raises OSError, sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path, self._made = path, path.with_name(f".{path.name}.{uuid4().hex}")
        forbid_copy_on_write(self._made)
        self.db = sqlite3.connect(self._made)
        """Connection to the new file, open until `place`."""

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def _make(self) -> None:
        if is_copy_on_write(self._path.parent):
            self.db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(_SCHEMA)
        with self.db:
            facts = (("epoch", uuid4().hex), ("schema", str(SCHEMA_VERSION)))
            self.db.executemany("INSERT INTO meta VALUES (?, ?)", facts)

    def place(self) -> None:
        """Close the file and give it its name, unless a file has it: of several processes that create one the first
        wins."""
        self.db.close()
        with suppress(FileExistsError):
            os.link(self._made, self._path)  # unlike a rename this never replaces a file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        self.db.close()
        for suffix in FILES:
            self._made.with_name(self._made.name + suffix).unlink(missing_ok=True)


def remove_unplaced(path: Path) -> None:
    """Remove the `FreshFile`s that a killed process has left. For the owner of an open spool.

    Raises OSError if another process has removed one meanwhile, or the folder cannot be written.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink()


def set_aside(path: Path) -> Path | None:
    """Rename the file and its WAL, which may hold pages that are not checkpointed yet. Return the new path; None if
    there is no file."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for suffix in FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside if aside.exists() else None


def _replace(
    path: Path, known: KnownNumbers | None, *, fsync: bool, max_bytes: int
) -> tuple[sqlite3.Connection, SpoolDamaged | None]:
    """Set aside the rest of the file, and start another with all readable rows, under the same numbers.

    The epoch is kept if the highest number that was given is known: no number is given twice.
    """
    was_there = path.exists()
    with FreshFile(path) as fresh:
        found = Salvage(fresh.db, first=1 if known is None else known.first)
        if was_there:
            found.take_file(path)
        same = known is not None and found.epoch in ("", known.epoch)
        last = max(found.last, known.last) if known is not None and same else found.last
        found.continue_epoch(known.epoch if known is not None and same else found.epoch, last)
        lost = found.lost(last) if was_there or known is None else known.lost_after(0)
        _note_lost(fresh.db, lost)
        aside = set_aside(path)
        fresh.place()
    db = connect(path, fsync=fsync, max_bytes=max_bytes)
    if not (was_there or lost):
        return db, None
    state = "is damaged" if was_there else "is gone"
    return db, SpoolDamaged(path, aside, found.alerts, found.dead, lost=lost, state=state)


def _catch_up(path: Path, db: sqlite3.Connection, known: KnownNumbers) -> SpoolDamaged | None:
    """Catch up with the known numbers if an intact file lacks its newest transactions: its log was cut, or it is an
    older copy."""
    (epoch,) = db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
    last = row[0] if row else 0
    if epoch != known.epoch or last >= known.last:
        return None
    lost = known.lost_after(last)
    with db:
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'alerts'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('alerts', ?)", (known.last,))
    _note_lost(db, lost)
    (waiting,) = db.execute("SELECT count(*) FROM alerts").fetchone()
    state = "has lost its newest transactions"
    return SpoolDamaged(path, None, waiting, 0, lost=lost, state=state) if lost else None


def _note_lost(db: sqlite3.Connection, lost: Sequence[tuple[int, int]]) -> None:
    """Note lost ranges, which are announced like all dropped ones."""
    with db:
        db.executemany(ADD_RANGE, [(first, last, SPOOL_DAMAGED) for first, last in lost])
