"""Run file: tells a start that an earlier run ended without a message (kill -9, a crash, a loss of power).

A run holds an flock on a file of its own as long as it lives and records, every second, that it lives: one record of a
fixed size, written in place by one pwrite(2), so that it needs no space and is never half written. A clean end removes
the file. A file that exists and is not locked is therefore that of a run that died; a locked file belongs to another
mozu with the same configuration and is left alone: each run takes the first free of a few names.
"""

import fcntl
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.own_file import open_own

_SIZE: Final = 512
"""Bytes of a record: one sector of a disk."""
_RUNS: Final = 16
"""Number of concurrent runs of one configuration that have a file."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class RunRecord(msgspec.Struct, frozen=True):
    """The record of a run in its file."""

    version: str = ""
    pid: int = 0
    started: int = 0
    """Start of the run, ns since the epoch."""
    seen: int = 0
    """Last heartbeat, ns since the epoch."""
    boot: str = ""
    """The boot id of the kernel."""


def instance(files: Iterable[str]) -> str:
    """Return the name under which runs with these configuration files share their run files."""
    text = "\0".join(str(Path(file).absolute()) for file in files)
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def boot_id() -> str:
    """Return the kernel's boot id, which changes with each boot; empty if unknown."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def is_running(directory: Path, name: str) -> bool:
    """Return True if a mozu with these configuration files runs. A start in the same moment takes the next free
    file."""
    for path in directory.glob(f"{name}.*"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


class RunFile:
    """The file of one run: call `claim`, then `begin`, `sign` every second, and `end`; or `release` if the run did not
    begin."""

    def __init__(self, descriptor: int, path: Path, ended: list[tuple[int, Path, RunRecord]]) -> None:
        self._descriptor, self._path, self._ended = descriptor, path, ended
        self._record = RunRecord()

    @property
    def ended(self) -> list[RunRecord]:
        """Return the runs that ended without a message. They stay on record until `begin`."""
        return [record for _, _, record in self._ended]

    @classmethod
    def claim(cls, directory: Path, name: str) -> "RunFile | None":
        """Lock a free file; returns None if too many runs hold one. Raises OSError if the directory is not usable."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        free: list[tuple[int, Path]] = []
        for number in range(_RUNS):
            path = directory / f"{name}.{number}"
            if (not free or path.exists()) and (descriptor := _lock(path)) is not None:
                free.append((descriptor, path))
        if not free:
            return None
        ended = []
        for descriptor, path in free:
            record = _read(descriptor)
            if record is not None:
                ended.append((descriptor, path, record))
            elif descriptor != free[0][0]:
                path.unlink(missing_ok=True)
                os.close(descriptor)
        return cls(*free[0], ended)

    def begin(self, version: str) -> None:
        """Record this run, and remove the records of earlier ones. Raises OSError."""
        now = time.time_ns()
        self._record = RunRecord(version, os.getpid(), now, now, boot_id())
        self._write()
        for descriptor, path, _ in self._ended:
            if descriptor != self._descriptor:
                path.unlink(missing_ok=True)
                os.close(descriptor)
        self._ended = []

    def sign(self) -> None:
        """Record a heartbeat. Raises OSError."""
        self._record = msgspec.structs.replace(self._record, seen=time.time_ns())
        self._write()

    def end(self) -> None:
        """Remove the file: a clean end leaves nothing to report."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def release(self) -> None:
        """Give up before `begin`: runs that ended without a message are reported by a later start."""
        if self._descriptor not in (descriptor for descriptor, _, _ in self._ended):
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
        for descriptor, _, _ in self._ended:
            os.close(descriptor)

    def _write(self) -> None:
        os.pwrite(self._descriptor, msgspec.json.encode(self._record).ljust(_SIZE - 1) + b"\n", 0)


def _lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock of this file; None if another process holds the lock."""
    while True:
        descriptor = open_own(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)  # its owner removed it between open and flock


def _read(descriptor: int) -> RunRecord | None:
    """Return the record of a run; None for a run that never began. For an unreadable record only the time of its last
    write is known."""
    raw = os.pread(descriptor, _SIZE, 0)
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw, type=RunRecord)
    except msgspec.MsgspecError:
        return RunRecord(seen=os.fstat(descriptor).st_mtime_ns)
