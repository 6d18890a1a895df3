"""Disk space that is taken in advance, on any file system."""

import ctypes
import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.spool import disk_room
from mozu.core.delivery.spool.disk_room import (
    PAGE_BYTES,
    WAL_BYTES,
    forbid_copy_on_write,
    is_copy_on_write,
    pages_of,
    preallocate,
    preallocate_wal,
)
from mozu.core.delivery.spool.refusal import DiskFull, SpoolUnwritable, refusal_of
from tests.core.delivery.spool.descriptors import descriptors_below


@pytest.mark.parametrize(
    ("size", "pages"), [(0, 0), (899, 899 / 4096 * 1.5), (900, 2), (4095, 2), (4096, 3), (8191, 3), (8192, 4)]
)
def test_a_row_takes_its_share_of_a_page_or_pages_of_its_own(size: int, pages: float) -> None:
    assert pages == pages_of(size)


def test_blocks_are_taken_behind_the_end_of_a_file_that_keeps_its_size(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(b"x" * PAGE_BYTES)
    descriptor = os.open(path, os.O_RDWR)
    try:
        assert 0 == preallocate(descriptor, PAGE_BYTES, 5)
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    assert PAGE_BYTES == found.st_size
    assert (1 << 20) <= found.st_blocks * 512 - PAGE_BYTES < (2 << 20)


def test_the_log_has_its_blocks_and_its_size(tmp_path: Path) -> None:
    (tmp_path / "spool.db-wal").write_bytes(b"")
    assert preallocate_wal(tmp_path / "spool.db") is True
    found = (tmp_path / "spool.db-wal").stat()
    assert (WAL_BYTES, True) == (found.st_size, found.st_blocks * 512 >= WAL_BYTES)


class Libc:
    """A C library whose file system has a number of free bytes, fails, or is of a given kind."""

    def __init__(self, *, room: int = 0, error: int = errno.ENOSPC, magic: int | None = None) -> None:
        self.room, self.error, self.magic = room, error, magic
        self.asked: list[tuple[int, int, int]] = []

    def fallocate(self, _: int, mode: int, offset: Any, size: Any) -> int:
        self.asked.append((mode, offset.value, size.value))
        return 0 if size.value <= self.room else -1

    def statfs(self, _: bytes, buffer: Any) -> int:
        if self.magic is None:
            return -1
        struct.pack_into("@l", buffer, 0, self.magic)
        return 0


def installed(monkeypatch: pytest.MonkeyPatch, libc: Libc) -> Libc:
    monkeypatch.setattr(disk_room, "_libc", libc)
    monkeypatch.setattr(ctypes, "get_errno", lambda: libc.error)
    return libc


@pytest.mark.parametrize(
    ("room", "size", "asked", "found"),
    [
        (2 << 20, 10, [1 << 20], 0),
        (4 << 20, 3 << 20, [3 << 20], 0),
        (4096, 4096, [1 << 20, 4096], 0),
        (4095, 4096, [1 << 20, 4096], errno.ENOSPC),
    ],
    ids=["a step at once", "more than a step", "where a step does not fit what is needed", "not even that"],
)
def test_a_step_is_taken_at_once_and_less_where_the_disk_has_less(
    monkeypatch: pytest.MonkeyPatch, room: int, size: int, asked: list[int], found: int
) -> None:
    libc = installed(monkeypatch, Libc(room=room))
    assert found == preallocate(3, 8192, size)
    keep_size = 1
    assert [(keep_size, 8192, one) for one in asked] == libc.asked


@pytest.mark.parametrize("error", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_that_cannot_take_blocks_is_left_to_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    installed(monkeypatch, Libc(error=error))
    assert 0 == preallocate(3, 0, 10)

    (tmp_path / "spool.db-wal").write_bytes(b"")
    monkeypatch.setattr(os, "posix_fallocate", _fails(error))
    assert preallocate_wal(tmp_path / "spool.db") is True


@pytest.mark.parametrize("error", [errno.ENOSPC, 0])
def test_a_log_without_room_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    (tmp_path / "spool.db-wal").write_bytes(b"")
    monkeypatch.setattr(os, "posix_fallocate", _fails(error))
    assert preallocate_wal(tmp_path / "spool.db") is False


def _fails(error: int) -> Any:
    def posix_fallocate(*_: int) -> None:
        raise OSError(error, "refused")

    return posix_fallocate


@pytest.mark.parametrize(("magic", "expected"), [(0x9123683E, True), (0xEF53, False), (None, False)])
def test_btrfs_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch, magic: int | None, expected: bool) -> None:
    installed(monkeypatch, Libc(magic=magic))
    assert expected is is_copy_on_write(Path("/"))


def test_a_file_is_made_for_its_owner_and_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check for FS_IOC_SETFLAGS with FS_NOCOW_FL (linux/fs.h)."""
    marks: list[tuple[int, bytes, int]] = []

    def ioctl(descriptor: int, request: int, flags: bytes) -> None:
        marks.append((request, flags, descriptor))

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    forbid_copy_on_write(tmp_path / "spool.db")
    ((request, flags, descriptor),) = marks
    assert (0x40086602, struct.pack("@l", 0x00800000)) == (request, flags)
    assert (0o600, 0) == ((found := (tmp_path / "spool.db").stat()).st_mode & 0o777, found.st_size)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_file_system_that_knows_no_such_mark_has_the_file_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ioctl(*_: object) -> None:
        raise OSError(errno.ENOTTY, "refused")

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    forbid_copy_on_write(tmp_path / "spool.db")
    assert (tmp_path / "spool.db").exists()


def test_what_the_kernel_says_of_blocks_that_cannot_be_taken_is_given(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"")
    descriptor = os.open(tmp_path / "spool.db", os.O_RDONLY)
    try:
        assert errno.EBADF == preallocate(descriptor, 0, 1)
    finally:
        os.close(descriptor)


def test_the_log_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "spool.db-wal").write_bytes(b"")
    preallocate_wal(tmp_path / "spool.db")
    assert [] == descriptors_below(tmp_path)


@pytest.mark.parametrize(
    ("error", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EROFS, SpoolUnwritable)]
)
def test_a_disk_without_room_is_another_refusal_than_one_that_fails(error: int, kind: type[Exception]) -> None:
    assert kind is type(refusal_of(Path("a.db"), error))
