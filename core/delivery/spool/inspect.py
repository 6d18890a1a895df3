"""Inspection of a spool as a start would find it: obstacles to its use, and the process that holds it.

No file is opened as a database, so nothing is written, recovered or locked. SQLite's lock is a POSIX lock on bytes of
the file (https://sqlite.org/src/file/src/os_unix.c, "SHARED_FIRST"), which F_GETLK queries without taking it.
"""

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.api import Obstacle
from mozu.core.common.file_access import why_not_writable
from mozu.core.delivery.spool.owed import owed_path
from mozu.core.delivery.spool.owner_lock import is_owned

_FLOCK: Final = "hhqqi4x"
"""struct flock of fcntl(2) on 64-bit machines: type, whence, start, length, pid."""
_SHARED_FIRST: Final = 0x40000002
_SHARED_SIZE: Final = 510


def spool_obstacles(path: Path) -> list[Obstacle]:
    """Return the reasons for which a start could not use the file. Not for a process that has it open: close(2) of any
    descriptor would drop its locks."""
    reason = why_not_writable(path, makes_folders=True)
    if reason is not None:
        return [_obstacle(reason, "give `spool.path` a file where there is room and mozu may write")]
    if is_owned(owed_path(path)):
        return [_obstacle(f"another mozu uses the spool {path}", "give each a `spool.path` of its own", held=True)]
    holder = _locked_by(path)
    if holder is not None:
        return [_obstacle(f"process {holder} holds the lock of the spool {path}", "let it end first", held=True)]
    return []


def _obstacle(reason: str, remedy: str, *, held: bool = False) -> Obstacle:
    return Obstacle(f"{reason}; {remedy}", refuses=True, held=held)


def _locked_by(path: Path) -> int | None:
    """Return the pid of the process that keeps all others from reading; None if there is none."""
    with suppress(OSError):  # the file is not there yet
        fd = os.open(path, os.O_RDONLY)
        try:
            asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, _SHARED_FIRST, _SHARED_SIZE, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
            return None if kind == fcntl.F_UNLCK else int(pid)
        finally:
            os.close(fd)
    return None
