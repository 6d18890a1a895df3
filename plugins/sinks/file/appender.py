"""Appending of whole lines to a file that other processes may write to, rename (logrotate), or fill the disk of."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger
from pathlib import Path
from typing import Final

from mozu.core.common.own_file import open_own

_LOCK_TIMEOUT: Final = 10.0
"""Seconds to wait for another process to release the lock."""
_LOCK_POLL_INTERVAL: Final = 0.005
_TAIL: Final = 1 << 20
"""Bytes at the end of the file in which the last line end is searched for; alerts are much shorter."""
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Appender:
    """Writer under an advisory lock (flock), so that a failed write can be undone (ftruncate) beside other writers."""

    def __init__(self, path: Path, mode: int, log: Logger) -> None:
        self.path, self._mode, self._log = path, mode, log
        self._descriptor: int | None = None

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Lock the file at the path, remove a partial last line, and yield the descriptor. Raises OSError."""
        descriptor = self._lock()
        try:
            self._truncate_partial_line(descriptor)
            yield descriptor
        finally:
            if self._descriptor is not None:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def append(self, descriptor: int, data: bytes) -> None:
        """Append all of the data or nothing. Raises OSError (no space, quota, input/output)."""
        before, view = os.fstat(descriptor).st_size, memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, before)
            raise

    def sync(self) -> None:
        """Flush the file to disk (fdatasync). Raises OSError."""
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file, which releases its lock."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    # --- finding the file

    def _lock(self) -> int:
        """Open and lock the file, again if it was renamed in between, until the locked file is the one at the path."""
        while True:
            if self._descriptor is None:
                self._descriptor = self._open()
            _flock(self._descriptor, self.path)
            if self._is_current(self._descriptor):
                return self._descriptor
            self.close()

    def _is_current(self, descriptor: int) -> bool:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return False
        return os.path.samestat(status, os.fstat(descriptor))

    def _open(self) -> int:
        try:
            descriptor = open_own(self.path, _FLAGS)
        except FileNotFoundError:
            return self._create()
        except IsADirectoryError:
            raise OSError(errno.EISDIR, f"{self.path} is a directory; name a file in it") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, f"{self.path} is not a regular file; use the sink stdout or program")
        return descriptor

    def _create(self) -> int:
        descriptor = open_own(self.path, _FLAGS | os.O_CREAT, makes_folders=True)
        os.fchmod(descriptor, self._mode)
        sync_directory(self.path.parent)
        return descriptor

    # --- partial lines

    def _truncate_partial_line(self, descriptor: int) -> None:
        """Remove the partial line of a killed writer, which has not acknowledged it."""
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return
        start = max(0, size - _TAIL)
        end = os.pread(descriptor, _TAIL, start).rfind(b"\n")
        if end < 0:
            self._log.warning("%s does not end in a line end, and has none: one is added", self.path)
            os.write(descriptor, b"\n")
            return
        os.ftruncate(descriptor, start + end + 1)
        self._log.warning("%s ended in a partial line of %d bytes, which is removed", self.path, size - start - end - 1)


def sync_directory(folder: Path) -> None:
    """Make a new or renamed file in the directory durable (fsync of the directory). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has held the lock of {path} for {_LOCK_TIMEOUT:.0f} s") from None
            time.sleep(_LOCK_POLL_INTERVAL)
        else:
            return
