"""The meaning of an SQLite error for a spool: damage, or the reason why a write was refused."""

import sqlite3
from pathlib import Path

import pytest

from mozu.core.delivery.spool.refusal import (
    DiskFull,
    SpoolLocked,
    SpoolRefused,
    SpoolUnwritable,
    is_damage,
    refusal,
)


def error(code: int | None, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    """Return an error as SQLite raises it; with None it has no code, as some errors of the module itself."""
    made = kind("said by SQLite")
    if code is not None:
        made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (sqlite3.SQLITE_BUSY, SpoolLocked, "another process holds its lock (said by SQLite)"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, SpoolLocked, "another process holds its lock (said by SQLite)"),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, SpoolLocked, "another process holds its lock (said by SQLite)"),
        (sqlite3.SQLITE_FULL, DiskFull, "the disk is full"),
        (None, DiskFull, "the disk is full"),
        (sqlite3.SQLITE_READONLY_DBMOVED, SpoolUnwritable, "its disk refuses to write (said by SQLite)"),
        (sqlite3.SQLITE_IOERR_WRITE, SpoolUnwritable, "its disk refuses to write (said by SQLite)"),
    ],
)
def test_each_reason_not_to_write_has_its_own_refusal(code: int | None, kind: type[SpoolRefused], said: str) -> None:
    failed = error(code)
    assert isinstance(failed, sqlite3.OperationalError)
    found = refusal(Path("a.db"), failed)
    assert (kind, f"a.db: {said}") == (type(found), str(found))


@pytest.mark.parametrize(
    ("code", "kind", "damaged"),
    [
        (sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError, True),
        (sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError, True),
        (sqlite3.SQLITE_IOERR_READ, sqlite3.OperationalError, True),
        (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.OperationalError, True),
        (sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.OperationalError, True),
        (sqlite3.SQLITE_IOERR_WRITE, sqlite3.OperationalError, False),
        (sqlite3.SQLITE_BUSY, sqlite3.OperationalError, False),
        (sqlite3.SQLITE_FULL, sqlite3.OperationalError, False),
        (None, sqlite3.OperationalError, False),
        (None, sqlite3.DatabaseError, True),
    ],
)
def test_what_cannot_be_read_is_damage_and_what_is_not_written_is_none(
    code: int | None, kind: type[sqlite3.Error], damaged: bool
) -> None:
    assert damaged is is_damage(error(code, kind))
