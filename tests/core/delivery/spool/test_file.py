import os
import shutil
import sqlite3
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, SpoolDamaged, SpoolUnusable, file, remove_unplaced
from mozu.core.delivery.spool.disk_room import PAGE_BYTES, WAL_BYTES
from mozu.core.delivery.spool.file import FreshFile, set_aside
from mozu.core.testing import alert
from tests.support.packing import packed


def _epoch(path: Path) -> str:
    spool = Spool(path)
    try:
        return spool.epoch
    finally:
        spool.close()


def test_processes_that_open_a_new_spool_at_the_same_moment_agree_on_it(tmp_path: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        for number in range(20):
            epochs = pool.map(_epoch, [tmp_path / f"{number}.db"] * 8, chunksize=1)
            assert 1 == len(set(epochs))


@pytest.mark.parametrize(
    ("path", "why"), [("/proc/spool.db", "No such file or directory"), ("/proc/self/status/a.db", "File exists")]
)
def test_a_place_that_cannot_hold_a_spool_is_named_with_the_setting(path: str, why: str) -> None:
    with pytest.raises(SpoolUnusable) as refused:
        Spool(Path(path))
    assert f"spool {path}: {why}; give `spool.path` a file where there is room and mozu may write" == str(refused.value)


def test_what_sqlite_says_of_a_file_that_it_cannot_open_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnusable, match=f"spool {tmp_path}: unable to open database file; give"):
        Spool(tmp_path)


def test_the_folder_of_a_new_spool_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "made" / "spool" / "a.db"
    Spool(path).close()
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_a_file_that_is_not_placed_leaves_nothing_behind(tmp_path: Path) -> None:
    with FreshFile(tmp_path / "s.db") as fresh:
        assert [] != list(tmp_path.iterdir())
        fresh.place()
    assert [tmp_path / "s.db"] == [path for path in tmp_path.iterdir() if path.suffix != "-wal"]

    with FreshFile(tmp_path / "t.db"):
        pass
    with pytest.raises(KeyError), FreshFile(tmp_path / "u.db"):
        raise KeyError
    assert [tmp_path / "s.db"] == list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_SCHEMA", "CREATE TABLE meta (name); CREATE TABLE meta (name);")
    with pytest.raises(SpoolUnusable, match="table meta already exists"):
        Spool(tmp_path / "a.db")
    assert [] == list(tmp_path.iterdir())


def test_a_file_is_closed_once_it_is_placed_or_given_up(tmp_path: Path) -> None:
    for name, is_placed in (("placed.db", True), ("given up.db", False)):
        with FreshFile(tmp_path / name) as fresh:
            if is_placed:
                fresh.place()
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            fresh.db.execute("SELECT 1")


def test_a_file_that_gets_its_name_is_whole_without_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check at the moment of the link: another process may open the file, or this one may be killed."""
    tables: list[tuple[str]] = []

    def link(made: Path, path: Path) -> None:
        shutil.copy(made, tmp_path / "copy.db")
        with closing(sqlite3.connect(tmp_path / "copy.db")) as db:
            tables.extend(db.execute("SELECT name FROM sqlite_master WHERE name IN ('alerts', 'dead')").fetchall())
        os.rename(made, path)

    monkeypatch.setattr(os, "link", link)
    Spool(tmp_path / "a.db").close()
    assert [("alerts",), ("dead",)] == sorted(tables)


def test_only_files_that_were_not_placed_are_removed(tmp_path: Path) -> None:
    """Check that the name of a spool is not taken for a pattern."""
    others = {".other.db.1", "a[1].db", "a[1].db-wal", ".a1.db.1"}
    for name in (".a[1].db.1", ".a[1].db.1-wal", *others):
        (tmp_path / name).touch()
    remove_unplaced(tmp_path / "a[1].db")
    assert others == {path.name for path in tmp_path.iterdir()}


def test_where_files_are_copied_on_write_none_is_mapped_and_all_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that no file is mapped: on a full btrfs the shared-memory file ends the process with SIGBUS."""
    marked: list[str] = []

    def forbid(path: Path) -> None:
        path.touch(0o600)
        marked.append(path.name)

    monkeypatch.setattr(file, "is_copy_on_write", lambda folder: folder == tmp_path)
    monkeypatch.setattr(file, "forbid_copy_on_write", forbid)
    with FreshFile(tmp_path / "fresh.db"):
        assert not [path.name for path in tmp_path.iterdir() if path.name.endswith("-shm")]
    with closing(Spool(tmp_path / "a.db")) as spool:
        spool.append([packed(alert())])
        assert {"a.db", "a.db-wal"} == {path.name for path in tmp_path.iterdir()}
    assert ["a.db-wal"] == [name for name in marked if not name.startswith(".")]
    assert [".fresh.db", ".a.db"] == [name.rpartition(".")[0] for name in marked if name.startswith(".")]


def test_the_log_is_written_back_each_megabyte_and_keeps_its_blocks(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a.db")) as spool:
        pragmas = [
            spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("wal_autocheckpoint", "journal_size_limit")
        ]
    assert [250, WAL_BYTES] == pragmas, "so many pages of 4 KB"


@pytest.mark.parametrize(
    ("aside", "dead", "lost", "said"),
    [
        (None, 0, (), "a.db is gone: 3 alerts were taken over, 0 could not be read"),
        (None, 2, (), "a.db is gone: 3 alerts and 2 dead letters were taken over, 0 could not be read"),
        (
            Path("x/a.db.damaged"), 0, ((1, 3), (7, 7)),
            "a.db is gone: 3 alerts were taken over, 4 could not be read, the file is kept as a.db.damaged",
        ),
    ],
)  # fmt: skip
def test_damage_says_what_was_taken_over_what_was_lost_and_where_the_rest_is(
    aside: Path | None, dead: int, lost: tuple[tuple[int, int], ...], said: str
) -> None:
    damage = SpoolDamaged(Path("a.db"), aside, 3, dead, lost=lost, state="is gone")
    assert (said, aside, 3, lost) == (str(damage), damage.aside, damage.salvaged, damage.lost)


def test_a_database_that_has_lost_its_tables_is_set_aside_with_its_log(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE meta (name TEXT)")
    with closing(Spool(tmp_path / "a.db")) as spool:
        assert spool.damage is not None
        assert spool.damage.aside is not None
        assert spool.is_in_place()


def test_what_is_set_aside_keeps_its_log(tmp_path: Path) -> None:
    """Check the log too: it may hold pages that are not in the database yet."""
    assert set_aside(tmp_path / "a.db") is None
    for suffix in ("", "-wal"):
        (tmp_path / f"a.db{suffix}").write_text(f"a.db{suffix}")
    aside = set_aside(tmp_path / "a.db")
    assert aside is not None
    assert aside.name.startswith("a.db.damaged-")
    assert {aside.name: "a.db", f"{aside.name}-wal": "a.db-wal"} == {
        path.name: path.read_text() for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize(("fsync", "synchronous"), [(True, 2), (False, 1)])
@pytest.mark.parametrize("times", [1, 2], ids=["a new file", "one that was there"])
def test_a_spool_commits_as_durably_as_it_was_reported_and_is_bounded_from_the_start(
    tmp_path: Path, fsync: bool, synchronous: int, times: int
) -> None:
    for _ in range(times):
        spool = Spool(tmp_path / "a.db", max_bytes=1 << 20, fsync=fsync)
        pragmas = [spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "max_page_count")]
        spool.close()

    assert pragmas == [synchronous, 2 * (1 << 20) // PAGE_BYTES + 4096]
