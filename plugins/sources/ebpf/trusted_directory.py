"""A directory into which only root can have written: mozu loads files into the kernel only from such directories.

Each directory from the root on, and each file in it, must belong to root and be writable by no other user. A parent
directory that other users may write is accepted if it is sticky (/tmp), because no user can replace the files of
another there.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = 0
_FOREIGN_WRITES: Final = 0o022
_LARGEST: Final = 16 << 20
"""Most bytes of a file; a larger one is not read."""
_TEMPORARY: Final = ".new"


class Untrusted(Exception):
    """A user other than root could have written this, or it is no file of mozu; the message says why."""


class TrustedDirectory:
    """The directory. `owner` is root except in tests."""

    def __init__(self, path: Path, owner: int = _ROOT) -> None:
        self.path = path
        self._owner = owner

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Yield a descriptor of the directory, after all checks. Raises Untrusted and OSError."""
        fd = self._open()
        try:
            yield fd
        finally:
            os.close(fd)

    def _open(self) -> int:
        place = Path("/")
        fd = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        parts = self.path.resolve(strict=True).parts[1:]
        try:
            self._check(os.fstat(fd), place, is_last=not parts)
            for number, part in enumerate(parts, 1):
                place /= part
                is_last = number == len(parts)
                flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_RDONLY if is_last else os.O_PATH)
                below = os.open(part, flags, dir_fd=fd)
                os.close(fd)
                fd = below
                self._check(os.fstat(fd), place, is_last=is_last)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _check(self, found: os.stat_result, place: Path, *, is_last: bool) -> None:
        if found.st_uid not in (_ROOT, self._owner):
            raise Untrusted(f"{place} belongs to uid {found.st_uid} and not to root")
        if found.st_mode & _FOREIGN_WRITES and (is_last or not found.st_mode & stat.S_ISVTX):
            raise Untrusted(f"{place} may be written by others (mode {stat.S_IMODE(found.st_mode):04o})")

    def read(self, directory: int, name: str) -> bytes:
        """Return a file of the opened directory. Raises Untrusted, and OSError: FileNotFoundError if there is none."""
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
        with open(fd, "rb", buffering=0) as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise Untrusted("it is no regular file")
            if found.st_uid != self._owner:
                raise Untrusted(f"it belongs to uid {found.st_uid} and not to root")
            if found.st_mode & _FOREIGN_WRITES:
                raise Untrusted(f"it may be written by others (mode {stat.S_IMODE(found.st_mode):04o})")
            if found.st_size > _LARGEST:
                raise Untrusted(f"it has {found.st_size} bytes")
            return file.read(_LARGEST + 1)

    def make(self) -> None:
        """Make the directory and its parents. Raises OSError."""
        missing = [place for place in (self.path, *self.path.parents) if not place.exists()]
        for place in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another mozu was quicker
                place.mkdir(mode=0o755)

    @contextlib.contextmanager
    def locked(self, directory: int) -> Iterator[None]:
        """Hold the lock, so that no other process writes here. Raises BlockingIOError if one does."""
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            for name in os.listdir(directory):
                if name.endswith(_TEMPORARY):  # of a process that was killed while it wrote
                    os.unlink(name, dir_fd=directory)
            yield
        finally:
            fcntl.flock(directory, fcntl.LOCK_UN)

    def write(self, directory: int, name: str, data: bytes) -> None:
        """Write a file completely or not at all, and flush it to disk. `locked` must be held. Raises OSError."""
        temporary = name + _TEMPORARY
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temporary, flags, 0o644, dir_fd=directory)
        try:
            with open(fd, "wb", buffering=0) as file:
                os.fchmod(fd, 0o644)
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                os.fsync(fd)
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise
        os.fsync(directory)
