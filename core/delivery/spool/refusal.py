"""Reasons for which a spool refuses a write: it is full, it is locked, or its disk refuses.

The reasons are distinguished, because each has its own remedy, and its own label in `sink_alerts_dropped_total`.
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
"""I/O errors of SQLite that mean damage of the file: the disk does not return its data."""


class SpoolRefused(MozuError):
    """Base of the refusals: nothing of the transaction is in the file."""

    reason: ClassVar[str]
    """Label of the counter of dropped alerts."""


class SpoolFull(SpoolRefused):
    """The spool's own bound is reached."""

    reason = "spool full"


class DiskFull(SpoolFull):
    """The disk is full."""

    reason = "disk full"


class SpoolLocked(SpoolRefused):
    """Another process holds the lock of the file for longer than a transaction should take."""

    reason = "spool locked"


class SpoolUnwritable(SpoolRefused):
    """The disk refuses to write: it has become read-only, or it fails."""

    reason = "spool unwritable"


def is_damage(error: sqlite3.Error) -> bool:
    """Return True if the file is damaged, so that it must be set aside, and not merely refused."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return not isinstance(error, sqlite3.OperationalError) or code in _UNREADABLE


def refusal(path: Path, error: sqlite3.OperationalError) -> SpoolRefused:
    """Return the refusal for an error of SQLite that is no damage."""
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) & _PRIMARY
    if primary in _LOCKED:
        return SpoolLocked(f"{path}: another process holds its lock ({error})")
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path}: the disk is full")
    return SpoolUnwritable(f"{path}: its disk refuses to write ({error})")


def refusal_of(path: Path, error: int) -> SpoolRefused:
    """Return the refusal for an error number of the disk."""
    if error in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{path}: the disk is full")
    return SpoolUnwritable(f"{path}: its disk refuses to write ({os.strerror(error)})")
