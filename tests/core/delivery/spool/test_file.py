from multiprocessing import get_context
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, SpoolUnusable
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
