"""The file of a spool: its SQL schema, its PRAGMAs, and what can be salvaged from one that is damaged."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from mozu.core.delivery.spool.codec import decode_alert, decode_form
from mozu.core.errors import MozuError

SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE forms (id INTEGER PRIMARY KEY, raw BLOB NOT NULL UNIQUE);
CREATE TABLE alerts (seq INTEGER PRIMARY KEY AUTOINCREMENT, form INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL);
CREATE TABLE dead (id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, time INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, form INTEGER NOT NULL, body BLOB NOT NULL);
"""


class SpoolDamaged(MozuError):
    """A spool file cannot be read; it was set aside. `salvaged` alerts were taken over, the rest is in `aside`."""

    def __init__(self, path: Path, aside: Path, salvaged: int) -> None:
        super().__init__(f"{path} is damaged: {salvaged} alerts were taken over, the file is kept as {aside.name}")
        self.aside, self.salvaged = aside, salvaged


class SpoolUnusable(MozuError):
    """The file can be neither opened nor made."""

    def __init__(self, path: Path, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        super().__init__(f"spool {path}: {why}; give `spool.path` a file where there is room and mozu may write")


class SpoolFull(MozuError):
    """The disk, or the spool's own bound, has no room."""


def open_file(path: Path, *, fsync: bool) -> tuple[sqlite3.Connection, SpoolDamaged | None]:
    """The file, made if it is not there; one that is damaged is set aside. Raises SpoolUnusable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return _connect(path, fsync=fsync), None
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return _set_aside(path, fsync=fsync)
    except (OSError, sqlite3.OperationalError) as error:
        raise SpoolUnusable(path, error) from error


def _connect(path: Path, *, fsync: bool) -> sqlite3.Connection:
    if not path.exists():
        _create(path)
    db = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
    try:
        _prepare(db, fsync=fsync)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, *, fsync: bool) -> None:
    """Set it up. Raises sqlite3.DatabaseError where the file is damaged."""
    db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    db.execute("PRAGMA journal_size_limit = 16777216")
    db.execute("PRAGMA wal_autocheckpoint = 250")  # 1 MB: a log that grows with the disk's last bytes frees none
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("the file does not pass its own check")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"meta", "forms", "alerts", "dead"} <= tables:
        raise sqlite3.DatabaseError("the file has lost its tables")


def _create(path: Path) -> None:
    """A whole file, at once: of several processes that do this the first wins, and none sees a half-made one."""
    made = path.with_name(f".{path.name}.{uuid4().hex}")
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        db = sqlite3.connect(made)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
            with db:
                facts = (("epoch", uuid4().hex), ("schema", str(SCHEMA_VERSION)))
                db.executemany("INSERT INTO meta VALUES (?, ?)", facts)
        finally:
            db.close()
        with suppress(FileExistsError):
            os.link(made, path)  # unlike a rename this never replaces a file
    finally:
        for suffix in ("", "-wal", "-shm"):
            made.with_name(made.name + suffix).unlink(missing_ok=True)


def _set_aside(path: Path, *, fsync: bool) -> tuple[sqlite3.Connection, SpoolDamaged]:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    salvage = _salvage(path)
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    db = _connect(path, fsync=fsync)
    with db:
        for form, body in salvage:
            db.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (form,))
            db.execute("INSERT INTO alerts (form, body) SELECT id, ? FROM forms WHERE raw = ?", (body, form))
    return db, SpoolDamaged(path, aside, len(salvage))


def _salvage(path: Path) -> list[tuple[bytes, bytes]]:
    """Every row that can still be read and decoded, as (form, body)."""
    found: list[tuple[bytes, bytes]] = []
    try:
        with closing(sqlite3.connect(path)) as db:
            for row in db.execute("SELECT f.raw, a.body FROM alerts a JOIN forms f ON f.id = a.form ORDER BY a.seq"):
                decode_alert(decode_form(row[0]), row[1])
                found.append((row[0], row[1]))
    except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError):
        pass
    return found
