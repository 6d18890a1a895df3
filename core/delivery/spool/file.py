"""The file of a spool: its SQL schema, its PRAGMAs, and how a damaged one is set aside and started anew."""

import glob
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from mozu.core.delivery.spool.disk_room import PAGE_BYTES, WAL_BYTES, forbid_copy_on_write, is_copy_on_write
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.errors import MozuError

SCHEMA_VERSION: Final = 1
FILES: Final = ("", "-wal", "-shm")
"""Suffixes of the files that SQLite keeps for one database."""
_LOCK_TIMEOUT: Final = 1.0
"""Seconds that a statement waits for another process's transaction; the writer tries again after that."""
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
    """A spool file cannot be read, or is not there any more. `salvaged` alerts were taken over; the rest is in `aside`,
    if there is anything left of it. `lost` are the ranges of numbers that could not be read, as far as is known."""

    def __init__(
        self,
        path: Path,
        aside: Path | None,
        salvaged: int,
        dead: int,
        *,
        lost: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        missing = "" if lost is None else f", {sum(last - first + 1 for first, last in lost)} could not be read"
        letters = f" and {dead} dead letters" if dead else ""
        state, kept = ("is gone", "") if aside is None else ("is damaged", f", the file is kept as {aside.name}")
        super().__init__(f"{path} {state}: {salvaged} alerts{letters} were taken over{missing}{kept}")
        self.aside, self.salvaged, self.lost = aside, salvaged, lost or ()


class SpoolUnusable(MozuError):
    """The file can be neither opened nor made."""

    def __init__(self, path: Path, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        super().__init__(f"spool {path}: {why}; give `spool.path` a file where there is room and mozu may write")


def identities(path: Path) -> dict[str, tuple[int, int]]:
    """Suffix → device and inode, of those of the database, its WAL and its shared memory that are there."""
    found = {}
    for suffix in FILES:
        with suppress(OSError):
            status = path.with_name(path.name + suffix).stat()
            found[suffix] = status.st_dev, status.st_ino
    return found


def open_file(path: Path, *, fsync: bool, max_bytes: int) -> tuple[sqlite3.Connection, SpoolDamaged | None]:
    """The file, made if it is not there; one that is damaged is set aside. Raises SpoolUnusable."""
    try:
        try:
            return connect(path, fsync=fsync, max_bytes=max_bytes), None
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return _start_anew(path, fsync=fsync, max_bytes=max_bytes)
    except (OSError, sqlite3.OperationalError) as error:
        raise SpoolUnusable(path, error) from error


def connect(path: Path, *, fsync: bool, max_bytes: int) -> sqlite3.Connection:
    """Open the file, made if it is not there. Raises OSError, sqlite3.DatabaseError where it is damaged."""
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
    """Set it up. Raises sqlite3.DatabaseError where the file is damaged."""
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
    """What may change while the file is open; outside a transaction."""
    db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    # The spool's own bound must be met before SQLite's: rows fill pages to two thirds at least.
    db.execute(f"PRAGMA max_page_count = {2 * max_bytes // PAGE_BYTES + 4_096}")


class FreshFile:
    """A new, empty spool file under a name of its own, until `place`: no process ever sees a half-made one. The files
    of one that was not placed are removed. Raises OSError, sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path, self._made = path, path.with_name(f".{path.name}.{uuid4().hex}")
        forbid_copy_on_write(self._made)
        self.db = sqlite3.connect(self._made)
        """Open until it is placed."""

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
        """Close it and give it its name, unless a file has it: of several processes that make one the first wins."""
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
    """Remove what a process that was killed has left of its `FreshFile`. For the owner of an open spool.

    Raises OSError: another process has removed one of them meanwhile, or the folder cannot be written.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink()


def set_aside(path: Path) -> Path | None:
    """Rename the file and its WAL, which may hold pages that are not checkpointed yet. The new path; None: there is no
    file."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for suffix in FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside if aside.exists() else None


def _start_anew(path: Path, *, fsync: bool, max_bytes: int) -> tuple[sqlite3.Connection, SpoolDamaged]:
    """Take over what can be read of a damaged file, under new numbers in a new epoch, and set it aside."""
    with FreshFile(path) as fresh:
        found = Salvage(fresh.db, keeps_numbers=False)
        found.take_file(path)
        aside = set_aside(path)
        fresh.place()
    return connect(path, fsync=fsync, max_bytes=max_bytes), SpoolDamaged(path, aside, found.alerts, found.dead)
