"""The size of a spool, bounded by its settings and by its disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.delivery.spool import DiskFull, Spool, SpoolFull, SpoolLocked
from mozu.core.delivery.spool.disk_room import PAGE_BYTES
from mozu.core.testing import alert
from tests.core.delivery.spool.disk import Disk, disk
from tests.support.packing import packed

__all__ = ["disk"]

OVERHEAD = 24
"""Bytes of a row besides its body."""
ONE = packed(alert())
NOTICE = packed(replace(alert("notice"), source="internal"))


def sized(one: PackedAlert, size: int) -> PackedAlert:
    """Return the alert with a row of `size` bytes."""
    return replace(one, body=bytes(size - OVERHEAD))


@pytest.mark.parametrize(("one", "bound"), [(ONE, 1_000), (NOTICE, 1_000 + (1 << 20))], ids=["an alert", "a notice"])
def test_a_spool_takes_what_its_bound_allows_and_no_byte_more(tmp_path: Path, one: PackedAlert, bound: int) -> None:
    with closing(Spool(tmp_path / "a.db", max_bytes=1_000)) as spool:
        with pytest.raises(SpoolFull, match=r"a\.db is full: spool\.bytes is 1000"):
            spool.append([sized(one, bound + 1)])
        spool.append([sized(one, bound)])
        assert bound == spool.size


def test_other_bounds_are_those_of_the_open_file(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a.db", max_bytes=1_000)) as spool:
        spool.configure(max_bytes=1 << 20, fsync=True)
        spool.append([sized(ONE, 2_000)])
        pragmas = [spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "max_page_count")]
    assert [2, 2 * (1 << 20) // PAGE_BYTES + 4_096] == pragmas


def test_without_fsync_a_commit_does_not_wait_for_the_disk_and_the_bound_is_a_gigabyte(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a.db")) as spool:
        pragmas = [spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "max_page_count")]
    assert [1, 2 * (1 << 30) // PAGE_BYTES + 4_096] == pragmas


@pytest.fixture
def spool(tmp_path: Path, disk: Disk) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "spool.db")) as spool:
        yield spool


def has_filler(spool: Spool) -> bool:
    return bool(spool._db.execute("SELECT count(*) FROM meta WHERE name = 'filler'").fetchone() == (1,))


def without_filler(spool: Spool) -> None:
    """Remove the filler and its pages."""
    with spool._db:
        spool._db.execute("DELETE FROM meta WHERE name = 'filler'")
    spool._db.execute("VACUUM")


def pages_asked(disk: Disk) -> list[int]:
    return [size // PAGE_BYTES for _, size in disk.asked]


def test_pages_are_taken_for_rows_and_for_what_leads_to_them(spool: Spool, disk: Disk) -> None:
    without_filler(spool)
    disk.asked.clear()
    spool.append([replace(ONE, body=bytes(10_000))] * 3)
    assert [3 * 4 + 8] == pages_asked(disk)


def test_a_full_disk_refuses_alerts_and_takes_notices_and_numbers_into_what_was_kept_for_them(
    spool: Spool, disk: Disk
) -> None:
    """Check that numbers to be announced need no page until there are many."""
    disk.pages = 0
    with pytest.raises(DiskFull):
        spool.append([ONE])
    assert (1, 3) == spool.skip(3, "disk full")
    assert has_filler(spool)
    assert 4 == spool.append([NOTICE])
    assert not has_filler(spool)


def test_many_ranges_that_are_to_be_announced_take_pages_and_on_a_full_disk_those_kept_for_them(
    spool: Spool, disk: Disk
) -> None:
    disk.asked.clear()
    spool.note_lost([(number, number) for number in range(1, 601, 2)], "é" * 7)
    assert [300 * 38 * 2 // PAGE_BYTES + 2] == pages_asked(disk)
    disk.pages = 0
    spool.note_lost([(number, number) for number in range(1001, 1601, 2)], "é" * 7)
    assert not has_filler(spool)
    assert 600 == len(spool.unannounced())


def test_what_is_kept_for_notices_is_there_from_the_start_and_is_kept_again_once_alerts_have_left(
    spool: Spool, disk: Disk
) -> None:
    assert has_filler(spool)
    number = spool.append([ONE])
    without_filler(spool)
    disk.pages = 0
    spool.delete([])
    assert not has_filler(spool)
    disk.pages = 1 << 20
    spool.delete([number])
    assert has_filler(spool)


def error(code: int) -> sqlite3.OperationalError:
    made = sqlite3.OperationalError("said by SQLite")
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "refused", "is_written_back"),
    [(sqlite3.SQLITE_FULL, DiskFull, True), (sqlite3.SQLITE_BUSY, SpoolLocked, False)],
)
def test_on_a_full_disk_the_log_is_written_back_and_gives_its_blocks_back(
    tmp_path: Path, code: int, refused: type[Exception], is_written_back: bool
) -> None:
    with closing(Spool(tmp_path / "spool.db")) as spool:
        with pytest.raises(refused), spool._writing():
            raise error(code)
        assert is_written_back is ((tmp_path / "spool.db-wal").stat().st_size == 0)


def test_a_page_that_cannot_be_read_is_no_refusal(tmp_path: Path) -> None:
    with (
        closing(Spool(tmp_path / "spool.db")) as spool,
        pytest.raises(sqlite3.OperationalError, match="said by SQLite"),
        spool._writing(),
    ):
        raise error(sqlite3.SQLITE_IOERR_READ)
