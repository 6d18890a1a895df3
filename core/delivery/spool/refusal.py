"""Why a spool did not take what should be written: it is full, it is locked, or its disk takes nothing.

The reasons are kept apart, because each has its own remedy, and its own label in `sink_alerts_dropped_total`.
"""

import errno
import os
import sqlite3
from pathlib import Path
from typing import ClassVar, Final

from mozu.core.errors import MozuError

_PRIMARY: Final = 0xFF
"""Bits of an extended result code that hold the primary one (https://sqlite.org/rescode.html)."""
_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNREADABLE: Final = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
"""The disk does not give what it has: a damage of the file, though SQLite says I/O error."""


class SpoolRefused(MozuError):
    """The base: nothing of the transaction is in the file."""

    reason: ClassVar[str]
    """Label of the counter of drops."""


class SpoolFull(SpoolRefused):
    """The spool's own bound is reached."""

    reason = "spool full"


class DiskFull(SpoolFull):
    """The disk has no room."""

    reason = "disk full"


class SpoolLocked(SpoolRefused):
    """Another process holds the lock of the file for longer than a transaction should take."""

    reason = "spool locked"


class SpoolUnwritable(SpoolRefused):
    """The disk refuses to write: it has become read-only, or it fails."""

    reason = "spool unwritable"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is damaged, as opposed to refused: it must be set aside."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return not isinstance(error, sqlite3.OperationalError) or code in _UNREADABLE


def refusal(path: Path, error: sqlite3.OperationalError) -> SpoolRefused:
    """What an error says that is no damage."""
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) & _PRIMARY
    if primary in _LOCKED:
        return SpoolLocked(f"{path}: another process holds its lock ({error})")
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path}: the disk is full")
    return SpoolUnwritable(f"{path}: its disk refuses to write ({error})")


def refusal_of(path: Path, error: int) -> SpoolRefused:
    """What an error number of the disk says."""
    if error in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{path}: the disk is full")
    return SpoolUnwritable(f"{path}: its disk refuses to write ({os.strerror(error)})")
