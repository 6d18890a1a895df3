"""A spool whose file is set aside while it is open, and which continues in a new one."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, file
from mozu.core.delivery.spool.disk_room import PAGE_BYTES
from mozu.core.delivery.spool.salvage import Salvage
from mozu.core.testing import alert
from tests.core.delivery.spool.descriptors import descriptors_below
from tests.support.packing import packed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    with closing(Spool(path)) as spool:
        spool.append([packed(alert())] * 3)
        yield spool


def numbers(spool: Spool) -> list[int]:
    return [number for number, _ in spool.read(0, 100)]


def test_what_the_open_connection_does_not_give_is_taken_from_the_file(spool: Spool) -> None:
    with closing(spool._db):
        spool._db = sqlite3.connect(":memory:")
        damage = spool.rebuild()
        assert ([1, 2, 3], 3, ()) == (numbers(spool), damage.salvaged, damage.lost)


def test_the_file_is_set_aside_and_no_descriptor_of_it_stays_open(spool: Spool, path: Path) -> None:
    damage = spool.rebuild()
    assert damage.aside is not None
    assert damage.aside.exists()
    assert ["spool.db", "spool.db", "spool.db-shm", "spool.db-wal"] == descriptors_below(path.parent)


def test_a_file_that_was_deleted_is_not_set_aside(spool: Spool, path: Path) -> None:
    for suffix in file.FILES:
        path.with_name(path.name + suffix).unlink()
    damage = spool.rebuild()
    assert damage.aside is None
    assert f"{path} is gone: 3 alerts were taken over, 0 could not be read" == str(damage)
    assert {"spool.db", "spool.db-shm", "spool.db-wal"} == {one.name for one in path.parent.iterdir()}
    assert ["spool.db", "spool.db", "spool.db-shm", "spool.db-wal"] == descriptors_below(path.parent)


@pytest.mark.parametrize("suffix", file.FILES)
def test_a_file_in_whose_place_another_stands_is_not_in_its_place(spool: Spool, path: Path, suffix: str) -> None:
    assert spool.is_in_place()
    one = path.with_name(path.name + suffix)
    shutil.copy(one, path.with_name("another"))
    path.with_name("another").replace(one)
    assert not spool.is_in_place()


def test_the_file_can_be_read_again_where_it_was_locked_by_its_own_connection(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check with copy-on-write files, on which the connection keeps the lock."""
    monkeypatch.setattr(file, "is_copy_on_write", lambda _: True)
    found = list[tuple[int]]()

    def take_file(_: Salvage, path: Path) -> None:
        with closing(sqlite3.connect(path, timeout=0)) as db:
            found.extend(db.execute("SELECT seq FROM alerts"))

    monkeypatch.setattr(Salvage, "take_file", take_file)
    with closing(Spool(path)) as spool:
        spool.append([packed(alert())])
        spool.rebuild()
        assert ([(1,)], [1]) == (found, numbers(spool))


def test_a_closed_spool_is_one_file_that_is_not_open(path: Path) -> None:
    with closing(Spool(path)) as spool:
        spool.append([packed(alert())])
    assert ([path], []) == ([*path.parent.iterdir()], descriptors_below(path.parent))


def test_the_end_of_the_connection_to_a_damaged_file_takes_nothing_from_the_new_one(path: Path) -> None:
    """Check that closing keeps the new log: SQLite removes a log by its name."""
    with closing(Spool(path)) as spool:
        spool.append([packed(alert(name="x" * 4_000)) for _ in range(100)])
    raw = bytearray(path.read_bytes())
    raw[-PAGE_BYTES:] = b"\xff" * PAGE_BYTES
    path.write_bytes(raw)
    with closing(Spool(path)) as spool:
        assert spool.damage is not None
        assert spool.is_in_place()
        assert not [name for name in descriptors_below(path.parent) if "damaged" in name]
