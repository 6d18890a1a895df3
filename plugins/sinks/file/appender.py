"""Whole lines at the end of a file that others may write, move away or fill the disk of."""

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

_PATIENCE: Final = 10.0
"""Seconds that another process may hold the lock."""
_PAUSE: Final = 0.005
_WINDOW: Final = 1 << 20
"""Bytes at the end in which the last line end is looked for; alerts are much shorter."""
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Appender:
    """Appends under an advisory lock (flock), so that a write that fails can be taken back whoever else writes."""

    def __init__(self, path: Path, mode: int, log: Logger) -> None:
        self.path, self._mode, self._log = path, mode, log
        self._descriptor: int | None = None

    @contextmanager
    def locked(self) -> Iterator[int]:
        """The descriptor of the file that has the path now, locked, and ending in a line end. Raises OSError."""
        descriptor = self._lock()
        try:
            self._mend(descriptor)
            yield descriptor
        finally:
            if self._descriptor is not None:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def append(self, descriptor: int, data: bytes) -> None:
        """All of it or nothing. Raises OSError (no space, quota, input/output)."""
        before, view = os.fstat(descriptor).st_size, memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, before)
            raise

    def sync(self) -> None:
        """To the disk. Raises OSError."""
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the file, and of its lock."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    # --- finding the file

    def _lock(self) -> int:
        """Open and lock until what is locked is what the path names: it may be moved in between."""
        while True:
            if self._descriptor is None:
                self._descriptor = self._open()
            _flock(self._descriptor, self.path)
            if self._is_current(self._descriptor):
                return self._descriptor
            self.close()

    def _is_current(self, descriptor: int) -> bool:
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def _open(self) -> int:
        try:
            descriptor = os.open(self.path, _FLAGS)
        except FileNotFoundError:
            return self._create()
        except IsADirectoryError:
            raise OSError(errno.EISDIR, f"{self.path} is a directory; name a file in it") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, f"{self.path} is not a regular file; use the sink stdout or program")
        return descriptor

    def _create(self) -> int:
        missing = [folder for folder in self.path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(0o700, exist_ok=True)
        descriptor = os.open(self.path, _FLAGS | os.O_CREAT, 0o600)
        os.fchmod(descriptor, self._mode)
        sync_directory(self.path.parent)
        return descriptor

    # --- half a line

    def _mend(self, descriptor: int) -> None:
        """Take back what a writer that was killed left behind: it has acknowledged nothing of it."""
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return
        start = max(0, size - _WINDOW)
        end = os.pread(descriptor, _WINDOW, start).rfind(b"\n")
        if end < 0:
            self._log.warning("%s does not end in a line end, and has none: one is added", self.path)
            os.write(descriptor, b"\n")
            return
        os.ftruncate(descriptor, start + end + 1)
        self._log.warning("%s ended in half a line of %d bytes: taken back", self.path, size - start - end - 1)


def sync_directory(folder: Path) -> None:
    """Make a new name in it durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has held the lock of {path} for {_PATIENCE:.0f} s") from None
            time.sleep(_PAUSE)
        else:
            return
