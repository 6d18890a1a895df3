"""Lock of the mozu that delivers from a spool: two that read the same alerts would both send them, each to its own
destination. Commands that look into a spool (`mozu spool`, `mozu redrive`) need no lock.

An open file description lock (fcntl(2), F_OFD_SETLK): it goes with the descriptor, unlike a POSIX lock not with any
other close of the file, and can be asked for without being taken.
"""

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

_FLOCK: Final = "hhqqi4x"
"""struct flock on 64-bit machines: type, whence, start, length, pid (0)."""


def own(descriptor: int) -> bool:
    """Take the lock of this open file; False where another process has it. File systems without locks give it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file())
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def is_owned(path: Path) -> bool:
    """Whether a process has the lock; a file that is not there has none."""
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
