"""Rotation of a file by size or time, and the rotated files: `alerts.jsonl.20261125T033800.123456Z`, perhaps `.gz`."""

import fcntl
import gzip
import os
import re
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from mozu.core.common.own_file import open_own

_STAMP: Final = r"\.\d{8}T\d{6}\.\d{6}Z"
_CHUNK: Final = 1 << 18


class RotatedFiles:
    """The rotated files of one path, which several processes may rotate."""

    def __init__(self, path: Path, keep: int, *, compress: bool) -> None:
        self._path, self._keep, self._compress = path, keep, compress
        self._name = re.compile(re.escape(path.name) + _STAMP + r"(\.gz)?")
        self.pending = compress
        """True if `compress_and_prune` may have work; at first because of an earlier run."""
        self.stopping = False
        """True to make `compress_and_prune` return soon."""

    def rotate(self) -> None:
        """Rename the file. To be called under its lock. Raises OSError."""
        now = time.time_ns() // 1000
        while self._exists(target := self._target(now)):
            now += 1
        os.rename(self._path, target)
        self.pending = self._compress
        self._prune()

    def compress_and_prune(self) -> None:
        """Compress rotated files that are not compressed, and delete the oldest. Raises OSError."""
        self.pending = False
        for file in self.files():
            if self._compress and file.suffix != ".gz" and not self.stopping:
                _gzip(file, lambda: self.stopping)
        self._prune()

    def files(self) -> list[Path]:
        """Return the rotated files, oldest first; empty if the directory does not exist yet."""
        folder = self._path.parent
        present = folder.iterdir() if folder.is_dir() else ()
        return sorted(file for file in present if self._name.fullmatch(file.name))

    def _target(self, microseconds: int) -> Path:
        second, fraction = divmod(microseconds, 1_000_000)
        at = datetime.fromtimestamp(second, UTC)
        return self._path.with_name(f"{self._path.name}.{at:%Y%m%dT%H%M%S}.{fraction:06d}Z")

    @staticmethod
    def _exists(target: Path) -> bool:
        return target.exists() or target.with_name(f"{target.name}.gz").exists()

    def _prune(self) -> None:
        """Delete the oldest files. A file and its compressed form, which may exist at the same time, count as one."""
        names = sorted({file.name.removesuffix(".gz") for file in self.files()})
        for name in names[: max(0, len(names) - self._keep)]:
            for ending in ("", ".gz"):
                self._path.with_name(name + ending).unlink(missing_ok=True)


def _gzip(source: Path, is_cancelled: Callable[[], bool]) -> None:
    """Replace a file by its compressed form; flock on the `.part` file keeps other processes from doing the same."""
    unfinished = source.with_name(f"{source.name}.gz.part")
    descriptor = open_own(unfinished, os.O_RDWR | os.O_CREAT)
    with open(descriptor, "r+b") as target:
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.path.samestat(os.stat(unfinished), os.fstat(descriptor))
        except (BlockingIOError, FileNotFoundError):
            return  # another process compresses it, or has just finished
        if not mine:
            return
        target.truncate()
        try:
            _copy(source, target.fileno(), is_cancelled)
        except InterruptedError:
            unfinished.unlink()
            return
        except OSError:
            unfinished.unlink()
            raise
        os.fsync(descriptor)
        os.rename(unfinished, source.with_name(f"{source.name}.gz"))
        source.unlink(missing_ok=True)


def _copy(source: Path, target: int, is_cancelled: Callable[[], bool]) -> None:
    """Copy the file, compressed. Raises OSError, and InterruptedError if cancelled or if another process has replaced
    the file already."""
    if not source.exists():
        raise InterruptedError
    with ExitStack() as stack:
        plain = stack.enter_context(open(open_own(source, os.O_RDONLY), "rb"))
        os.fchmod(target, stat.S_IMODE(os.fstat(plain.fileno()).st_mode))
        raw = stack.enter_context(open(target, "wb", closefd=False))
        packed = stack.enter_context(gzip.open(raw, "wb"))
        while chunk := plain.read(_CHUNK):
            if is_cancelled():
                raise InterruptedError
            packed.write(chunk)


class RotationSchedule:
    """Condition for rotation: before the file exceeds a size, or in a new hour or day."""

    def __init__(self, size: int, every: Literal["hour", "day"] | None) -> None:
        self._size, self._every = size, every

    def due(self, descriptor: int, more: int) -> bool:
        """Return True if the file must be rotated before `more` bytes are appended; False if it is empty."""
        status = os.fstat(descriptor)
        if not status.st_size:
            return False
        if self._size and status.st_size + more > self._size:
            return True
        return self._every is not None and self._period(status.st_mtime) != self._period(time.time())

    def _period(self, at: float) -> tuple[int, ...]:
        local = time.localtime(at)
        return local[:4] if self._every == "hour" else local[:3]
