"""A disk with a limited number of pages."""

import errno
import os
from pathlib import Path

import pytest

from mozu.core.delivery.spool import page_reserve
from mozu.core.delivery.spool.disk_room import PAGE_BYTES


class Disk:
    """A disk with a number of free pages, which records what is asked of it."""

    def __init__(self) -> None:
        self.pages, self.error = 1 << 20, errno.ENOSPC
        self.asked: list[tuple[int, int]] = []
        """Requests as (first byte, bytes)."""
        self.wal = [True]
        """Answers to the question if the WAL finds space; the last one is repeated."""

    def preallocate(self, fd: int, end: int, size: int) -> int:
        os.fstat(fd)
        self.asked.append((end, size))
        return 0 if size <= self.pages * PAGE_BYTES else self.error

    def preallocate_wal(self, path: Path) -> bool:
        assert path.name == "spool.db"
        return self.wal.pop(0) if len(self.wal) > 1 else self.wal[0]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return the disk that every spool of a test uses."""
    disk = Disk()
    monkeypatch.setattr(page_reserve, "preallocate", disk.preallocate)
    monkeypatch.setattr(page_reserve, "preallocate_wal", disk.preallocate_wal)
    return disk
