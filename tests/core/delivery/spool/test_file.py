from multiprocessing import get_context
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, SpoolDamaged, SpoolUnusable
from mozu.core.delivery.spool.disk_room import PAGE_BYTES
from mozu.core.delivery.spool.file import FreshFile


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


@pytest.mark.parametrize("path", ["/proc/spool.db", "/proc/self/status/spool.db"])
def test_a_place_that_cannot_hold_a_spool_is_named_with_the_setting(path: str) -> None:
    with pytest.raises(SpoolUnusable, match=f"spool {path}: .*spool.path"):
        Spool(Path(path))


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


@pytest.mark.parametrize(
    ("aside", "dead", "lost", "said"),
    [
        (None, 0, None, "a.db is gone: 3 alerts were taken over"),
        (None, 2, None, "a.db is gone: 3 alerts and 2 dead letters were taken over"),
        (
            Path("x/a.db.damaged"), 0, ((1, 3), (7, 7)),
            "a.db is damaged: 3 alerts were taken over, 4 could not be read, the file is kept as a.db.damaged",
        ),
    ],
)  # fmt: skip
def test_damage_says_what_was_taken_over_what_was_lost_and_where_the_rest_is(
    aside: Path | None, dead: int, lost: tuple[tuple[int, int], ...] | None, said: str
) -> None:
    assert said == str(SpoolDamaged(Path("a.db"), aside, 3, dead, lost=lost))


@pytest.mark.parametrize(("fsync", "synchronous"), [(True, 2), (False, 1)])
@pytest.mark.parametrize("times", [1, 2], ids=["a new file", "one that was there"])
def test_a_spool_commits_as_durably_as_it_was_told_and_is_bounded_from_the_start(
    tmp_path: Path, fsync: bool, synchronous: int, times: int
) -> None:
    for _ in range(times):
        spool = Spool(tmp_path / "a.db", max_bytes=1 << 20, fsync=fsync)
        pragmas = [spool._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "max_page_count")]
        spool.close()

    assert pragmas == [synchronous, 2 * (1 << 20) // PAGE_BYTES + 4096]
