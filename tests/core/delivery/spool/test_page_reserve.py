"""The reserve of pages of a spool on a disk with limited space."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool
from mozu.core.delivery.spool.disk_room import PAGE_BYTES
from mozu.core.delivery.spool.page_reserve import PageReserve
from mozu.core.delivery.spool.refusal import DiskFull, SpoolUnwritable
from tests.core.delivery.spool.descriptors import descriptors_below
from tests.core.delivery.spool.disk import Disk, disk

__all__ = ["disk"]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "spool.db"
    spool = Spool(path)
    spool._db.execute("DELETE FROM meta WHERE name = 'filler'")
    spool._db.commit()
    spool._db.execute("VACUUM")
    spool.close()
    with closing(sqlite3.connect(path)) as db:
        yield db


@pytest.fixture
def room(tmp_path: Path, db: sqlite3.Connection, disk: Disk) -> Iterator[PageReserve]:
    with closing(PageReserve(tmp_path / "spool.db", db)) as room:
        yield room


def pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA page_count").fetchone()[0])


def free(db: sqlite3.Connection, count: int) -> None:
    """Add `count` free pages to the file."""
    before = int(db.execute("PRAGMA freelist_count").fetchone()[0])
    db.execute("INSERT INTO meta VALUES ('some', zeroblob(?))", (count * (PAGE_BYTES - 4),))
    db.execute("DELETE FROM meta WHERE name = 'some'")
    db.commit()
    assert before + count == int(db.execute("PRAGMA freelist_count").fetchone()[0])


def test_blocks_are_taken_behind_the_end_for_what_free_pages_do_not_hold(
    room: PageReserve, db: sqlite3.Connection, disk: Disk
) -> None:
    free(db, 3)
    for count in (3, 4, 9):
        room.take(count, for_notices=False)
    end = pages(db) * PAGE_BYTES
    assert [(end, PAGE_BYTES), (end, 6 * PAGE_BYTES)] == disk.asked


def test_a_full_disk_refuses_alerts_and_gives_notices_what_was_kept_for_them(
    room: PageReserve, db: sqlite3.Connection, disk: Disk
) -> None:
    room.fill()
    disk.pages = 0
    with pytest.raises(DiskFull):
        room.take(1, for_notices=False)
    with pytest.raises(DiskFull):
        room.take(65, for_notices=True)
    room.take(64, for_notices=True)
    assert 64 <= int(db.execute("PRAGMA freelist_count").fetchone()[0])
    with pytest.raises(DiskFull):
        room.take(64 + 40, for_notices=True)


def test_a_disk_that_fails_otherwise_says_so(room: PageReserve, disk: Disk) -> None:
    disk.pages, disk.error = 0, errno.EIO
    with pytest.raises(SpoolUnwritable):
        room.take(1, for_notices=True)


@pytest.mark.parametrize(("left", "can"), [(71, False), (72, True)])
def test_what_is_kept_for_notices_is_kept_again_once_there_is_room(
    room: PageReserve, db: sqlite3.Connection, disk: Disk, left: int, can: bool
) -> None:
    disk.pages = left
    assert can is room.can_fill()
    assert [(pages(db) * PAGE_BYTES, 72 * PAGE_BYTES)] == disk.asked


def test_a_page_that_is_missing_is_asked_of_the_disk(room: PageReserve, db: sqlite3.Connection, disk: Disk) -> None:
    disk.pages = 0
    free(db, 71)
    assert not room.can_fill()
    assert [(pages(db) * PAGE_BYTES, PAGE_BYTES)] == disk.asked


def test_it_is_kept_once_and_in_free_pages_without_the_disk(
    room: PageReserve, db: sqlite3.Connection, disk: Disk
) -> None:
    disk.pages = 0
    free(db, 72)
    assert room.can_fill()
    assert [] == disk.asked
    room.fill()
    room.fill()
    db.commit()
    assert room.can_fill() is False
    size = "SELECT length(value) FROM meta WHERE name = 'filler'"
    assert [(64 * (PAGE_BYTES - 4),)] == db.execute(size).fetchall()


def test_room_for_the_log_is_asked_for_until_it_is_there(tmp_path: Path, db: sqlite3.Connection, disk: Disk) -> None:
    disk.wal = [False, False, True, False]
    with closing(PageReserve(tmp_path / "spool.db", db)) as room:
        for _ in range(4):
            room.take(0, for_notices=False)
    assert [False] == disk.wal


def test_the_file_is_closed_once(tmp_path: Path, db: sqlite3.Connection, disk: Disk) -> None:
    room = PageReserve(tmp_path / "spool.db", db)
    before = descriptors_below(tmp_path)
    room.close()
    room.close()
    assert "spool.db" in before
    before.remove("spool.db")
    assert before == descriptors_below(tmp_path)
