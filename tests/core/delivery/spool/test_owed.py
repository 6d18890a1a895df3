from contextlib import closing
from pathlib import Path

from mozu.core.delivery.spool import OwedNumbers


def test_what_is_owed_outlives_the_process(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.add(3, "the disk is full")
        owed.add(4, "the disk is full")
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert (7, "the disk is full") == (owed.count, owed.reason)
        owed.paid()
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert 0 == owed.count


def test_the_file_keeps_its_size(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        for number in range(1, 50):
            owed.add(number, "x" * number * 100)
        assert [4096] == [path.stat().st_size for path in tmp_path.iterdir()]


def test_a_damaged_file_owes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.db.owed").write_bytes(b'{"count":5,"reason":"","check":1}'.ljust(4096))
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert 0 == owed.count
