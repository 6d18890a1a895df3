"""The lock of the mozu that delivers from a spool."""

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mozu.core.delivery.spool.owner_lock import is_owned, own
from tests.core.delivery.spool.descriptors import descriptors_below


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "spool.db.owed"
    path.write_bytes(b"")
    return path


def test_one_has_the_lock_until_it_closes_the_file(path: Path) -> None:
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        assert not is_owned(path)
        assert [True, True, False] == [own(first), is_owned(path), own(second)]
        os.close(first)
        first = -1
        assert [False, True] == [is_owned(path), own(second)]
    finally:
        os.close(second)
        if first >= 0:
            os.close(first)


@pytest.mark.parametrize("byte", [0, 1, 1 << 40])
def test_the_lock_is_of_the_whole_file(path: Path, byte: int) -> None:
    """Check every byte: another version may ask for any part of the file."""
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        own(first)
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        with pytest.raises(BlockingIOError):
            fcntl.fcntl(second, fcntl.F_OFD_SETLK, asked)
    finally:
        os.close(first)
        os.close(second)


@pytest.mark.parametrize("byte", [0, 1, 1 << 40])
def test_a_lock_of_any_byte_is_seen(path: Path, byte: int) -> None:
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        fcntl.fcntl(first, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
        assert [True, False] == [is_owned(path), own(second)]
    finally:
        os.close(first)
        os.close(second)


def test_a_file_that_is_not_there_is_owned_by_no_process(tmp_path: Path) -> None:
    assert is_owned(tmp_path / "nothing") is False


def test_a_look_at_the_lock_leaves_the_file_closed(path: Path) -> None:
    assert is_owned(path) is False
    assert [] == descriptors_below(path.parent)


def _fails(number: int) -> Callable[..., bytes]:
    def fcntl_of_another_file_system(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    return fcntl_of_another_file_system


@pytest.mark.parametrize(("number", "taken"), [(errno.EAGAIN, False), (errno.EACCES, False), (errno.ENOLCK, True)])
def test_a_file_system_without_locks_gives_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, taken: bool
) -> None:
    monkeypatch.setattr(fcntl, "fcntl", _fails(number))
    descriptor = os.open(path, os.O_RDWR)
    try:
        assert [taken, False] == [own(descriptor), is_owned(path)]
    finally:
        os.close(descriptor)
