import os
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import OwedNumbers, SpoolUnusable
from tests.core.delivery.spool.descriptors import descriptors_below


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


def test_a_spool_that_another_mozu_uses_is_refused(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")), pytest.raises(SpoolUnusable, match="another mozu uses it"):
        OwedNumbers(tmp_path / "a.db")
    OwedNumbers(tmp_path / "a.db").close()
    assert [] == descriptors_below(tmp_path)


def test_a_place_that_cannot_hold_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolUnusable):
        OwedNumbers(tmp_path / "file" / "a.db")


def test_a_debt_has_one_name_until_it_is_paid(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.add(1, "full")
        first = owed.debt
        owed.add(1, "locked")
        assert ("locked", first) == (owed.reason, owed.debt)
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert (2, "locked", first) == (owed.count, owed.reason, owed.debt)
        owed.paid()
        assert (0, "") == (owed.count, owed.reason)
        owed.add(3, "full")
        assert first != owed.debt


def test_a_page_whose_check_is_that_of_another_owes_nothing(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.add(5, "full")
    path = tmp_path / "a.db.owed"
    path.write_bytes(path.read_bytes().replace(b'"count":5', b'"count":6'))
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert (0, "") == (owed.count, owed.reason)


def test_a_file_that_was_deleted_is_made_anew_with_what_is_owed(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.add(5, "full")
        owed.keep_in_place()
        (tmp_path / "a.db.owed").unlink()
        owed.keep_in_place()
        with pytest.raises(SpoolUnusable, match="another mozu uses it"):
            OwedNumbers(tmp_path / "a.db")
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        assert 5 == owed.count
    assert (4096, 0o600) == ((status := (tmp_path / "a.db.owed").stat()).st_size, status.st_mode & 0o777)
    assert [] == descriptors_below(tmp_path)


def test_a_file_that_is_in_its_place_stays_open(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        descriptor = owed._fd
        owed.keep_in_place()
        assert descriptor == owed._fd


def test_where_nothing_was_owed_nothing_is_written(tmp_path: Path) -> None:
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.paid()
        assert not (tmp_path / "a.db.owed").read_bytes().strip(b"\0")
        owed.add(1, "full")
        assert (tmp_path / "a.db.owed").read_bytes().strip(b"\0")


def test_the_file_has_its_blocks_before_anything_is_owed_and_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "spool"
    OwedNumbers(folder / "a.db").close()
    found = (folder / "a.db.owed").stat()
    assert (4096, 4096, 0o600) == (found.st_size, found.st_blocks * 512, found.st_mode & 0o777)
    assert 0o700 == folder.stat().st_mode & 0o777


def test_what_is_owed_is_on_the_disk_once_it_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, kept = tmp_path / "a.db.owed", list[bytes]()
    monkeypatch.setattr(os, "fdatasync", lambda _: kept.append(path.read_bytes()))
    with closing(OwedNumbers(tmp_path / "a.db")) as owed:
        owed.add(1, "full")
        owed.paid()
    assert ([True, False], path.read_bytes()) == ([b"full" in one for one in kept], kept[-1])
