"""Lock of the mozu that delivers from a spool: two that read the same alerts would both send them, each to its own
destination. Commands that only inspect a spool (`mozu spool`, `mozu redrive`) need no lock.

The lock is an open file description lock (fcntl(2), F_OFD_SETLK): it ends with the descriptor, unlike a POSIX lock,
which ends with any close of the file, and it can be queried without being taken.
"""

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

_FLOCK: Final = "hhqqi4x"
"""struct flock on 64-bit machines: type, whence, start, length, pid (0)."""


def own(descriptor: int) -> bool:
    """Take the lock of this open file; return False if another process has it, True also on file systems without
    locks."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file())
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def is_owned(path: Path) -> bool:
    """Return True if a process has the lock; False also if the file is missing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _whole_file())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return int(struct.unpack(_FLOCK, found)[0]) != fcntl.F_UNLCK


def _whole_file() -> bytes:
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
