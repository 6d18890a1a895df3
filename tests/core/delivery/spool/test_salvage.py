"""Salvage after damage: all readable rows are taken over, also those behind unreadable ones."""

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.alert_queue import SPOOL_DAMAGED
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import Spool
from mozu.core.delivery.spool.dropped_table import DroppedTable
from mozu.core.delivery.spool.file import FreshFile
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play
from tests.support.packing import packed

COUNT = 3_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def filled(path: Path) -> None:
    with closing(Spool(path)) as spool:
        spool.append([packed(alert(name="x" * 400)) for _ in range(COUNT)])


def leaf_pages(path: Path) -> list[int]:
    """Return offsets of the pages that hold rows of `alerts`: table leaves have the type 13."""
    raw = path.read_bytes()
    return [at for at in range(4096, len(raw), 4096) if raw[at] == 13]


def spoil(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 4096)


def test_rows_behind_a_page_that_cannot_be_read_are_taken_over(path: Path) -> None:
    filled(path)
    pages = leaf_pages(path)
    spoil(path, pages[len(pages) // 2])
    with closing(Spool(path)) as spool:
        assert spool.damage is not None
        assert COUNT - 30 <= spool.damage.salvaged < COUNT
        numbers = [number for number, _ in spool.read(0, 2 * COUNT)]
        lost = [number for first, last in spool.damage.lost for number in range(first, last + 1)]
        assert [*range(1, COUNT + 1)] == sorted([*numbers, *lost])
        assert [(*one, SPOOL_DAMAGED) for one in spool.damage.lost] == spool.unannounced()


def test_two_bad_pages_cost_their_own_rows_only(path: Path) -> None:
    filled(path)
    pages = leaf_pages(path)
    spoil(path, pages[len(pages) // 3])
    spoil(path, pages[2 * len(pages) // 3])
    with closing(Spool(path)) as spool:
        assert spool.damage is not None
        assert COUNT - 60 <= spool.damage.salvaged < COUNT


def test_dead_letters_are_taken_over_with_their_forms(path: Path) -> None:
    filled(path)
    with closing(Spool(path)) as spool:
        spool.dead_letter([(1, "too large"), (COUNT, "refused")])
    pages = leaf_pages(path)
    spoil(path, pages[len(pages) // 2])
    with closing(Spool(path)) as spool:
        assert ["too large", "refused"] == [letter.reason for letter in spool.dead()]


def test_what_lies_in_the_wal_is_taken_over(path: Path, tmp_path: Path) -> None:
    """Simulate a killed run, whose last transactions are in the WAL, and a bad page in the database."""
    filled(path)
    living = Spool(path)
    living.append([packed(alert("last"))] * 100)
    files = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    living.close()
    killed = tmp_path / "killed.db"
    for suffix, content in files.items():
        killed.with_name(killed.name + suffix).write_bytes(content)
    pages = leaf_pages(killed)
    spoil(killed, pages[len(pages) // 2])
    with closing(Spool(killed)) as spool:
        assert spool.damage is not None
        assert 100 == sum(item.form.rule == "last" for _, item in spool.read(0, 2 * COUNT))


def test_a_page_that_goes_bad_while_running_costs_its_own_rows_only(path: Path) -> None:
    with closing(Spool(path)) as spool:
        spool.append([packed(alert(name="x" * 400)) for _ in range(COUNT)])
        spool.delete([1, 2, 3])
        epoch = spool.epoch
        spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = leaf_pages(path)
        spoil(path, pages[len(pages) // 2])
        spool._db.execute("PRAGMA cache_size = 0")
        spool._db.execute("PRAGMA shrink_memory")
        with pytest.raises(sqlite3.DatabaseError):
            spool.read(0, COUNT)

        damage = spool.rebuild()

        numbers = [number for number, _ in spool.read(0, COUNT)]
        assert (epoch, 4, COUNT) == (spool.epoch, numbers[0], numbers[-1])
        lost = sum(last - first + 1 for first, last in damage.lost)
        assert lost == COUNT - 3 - len(numbers)
        assert 0 < lost < 30
        assert COUNT + 1 == spool.append([packed(alert())]), "numbers go on"


def test_a_file_that_was_deleted_is_made_anew_with_all_that_it_held(path: Path) -> None:
    with closing(Spool(path)) as spool:
        spool.append([packed(alert()) for _ in range(10)])
        spool.delete([1])
        epoch = spool.epoch
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        assert not spool.is_in_place()

        damage = spool.rebuild()

        assert ((), True) == (damage.lost, spool.is_in_place())
    with closing(Spool(path)) as again:
        assert (epoch, list(range(2, 11))) == (again.epoch, [number for number, _ in again.read(0, 100)])


def test_what_two_ways_to_read_a_file_give_is_put_together(path: Path) -> None:
    """Spoil a different page for each of the two ways."""
    filled(path)
    other, pages = path.with_name("other.db"), leaf_pages(path)
    other.write_bytes(path.read_bytes())
    spoil(path, pages[len(pages) // 3])
    spoil(other, pages[2 * len(pages) // 3])
    with FreshFile(path.with_name("fresh.db")) as fresh:
        found = Salvage(fresh.db)
        found.take_file(path)
        assert found.alerts < COUNT
        found.take_file(other)
        numbers = [seq for (seq,) in fresh.db.execute("SELECT seq FROM alerts ORDER BY seq")]
    assert (list(range(1, COUNT + 1)), COUNT) == (numbers, found.alerts)


def test_memory_does_not_grow_with_what_waits(path: Path) -> None:
    with closing(Spool(path)) as spool:
        for _ in range(10):
            spool.append([packed(alert(name="x" * 2_000)) for _ in range(500)])
        tracemalloc.start()
        damage = spool.rebuild()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert 5_000 == damage.salvaged
    assert peak < 4_000_000, "10 MB waited"


def test_files_that_a_killed_salvage_left_are_removed_by_the_next_start(path: Path) -> None:
    filled(path)
    left = path.with_name(f".{path.name}.0123-wal")
    left.write_bytes(b"half made")
    play(path, nothing)
    assert not left.exists()


async def nothing(queue: DiskQueue) -> None:
    """Do nothing with the open queue."""


def test_numbers_that_are_still_to_be_announced_are_taken_over(path: Path, tmp_path: Path) -> None:
    with closing(Spool(path)) as spool:
        spool.skip(7, "queue full")
    with FreshFile(tmp_path / "fresh.db") as fresh, closing(sqlite3.connect(path)) as db:
        Salvage(fresh.db).take(db)
        assert [(1, 7, "queue full")] == DroppedTable(fresh.db).all()
