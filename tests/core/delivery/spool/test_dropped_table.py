"""The numbers still to be announced are exact, whichever of them are announced in between."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mozu.core.delivery.spool import Spool, runs
from mozu.core.delivery.spool.dropped_table import DroppedTable


@pytest.fixture
def table(tmp_path: Path) -> Iterator[DroppedTable]:
    path = tmp_path / "spool.db"
    Spool(path).close()
    with closing(sqlite3.connect(path)) as db:
        yield DroppedTable(db)


def test_a_range_that_goes_on_is_one_row(table: DroppedTable) -> None:
    table.add([(1, 3)], "full")
    table.add([(4, 9)], "full")
    table.add([(10, 10)], "another reason")
    assert [(1, 9, "full"), (10, 10, "another reason")] == table.all()


@pytest.mark.parametrize(
    ("announced", "left"),
    [
        ((1, 9), []),
        ((1, 4), [(5, 9, "full")]),
        ((3, 4), [(1, 2, "full"), (5, 9, "full")]),
        ((5, 20), [(1, 4, "full")]),
        ((5, 9), [(1, 4, "full")]),
        ((9, 20), [(1, 8, "full")]),
        ((10, 20), [(1, 9, "full")]),
    ],
)
def test_what_is_kept_beyond_the_announced_numbers_stays(
    table: DroppedTable, announced: tuple[int, int], left: list[tuple[int, int, str]]
) -> None:
    table.add([(1, 9)], "full")
    table.forget([announced])
    assert left == table.all()


def test_it_is_a_set_of_numbers_whatever_comes_and_goes(table: DroppedTable) -> None:
    chance, kept, fresh = random.Random(1), set[int](), 1
    for _ in range(500):
        size = chance.randint(1, 20)
        table.add([(fresh, fresh + size - 1)], chance.choice("ab"))
        kept |= set(range(fresh, fresh + size))
        fresh += size + chance.randint(0, 2)
        if chance.random() < 0.3:
            first = chance.randint(1, fresh)
            last = first + chance.randint(0, 100)
            table.forget([(first, last)])
            kept -= set(range(first, last + 1))
        assert kept == {number for first, last, _ in table.all() for number in range(first, last + 1)}
    assert len(list(runs(kept))) <= len(table.all())


def test_a_few_ranges_need_no_page_and_many_need_some(table: DroppedTable) -> None:
    reason = "/var/lib/mozu/spool/archive.db: the disk is full"
    assert (0, True) == (table.pages_for(20, reason), table.pages_for(1_000, reason) > 20)
    table.add([(number * 2, number * 2) for number in range(1, 100)], reason)
    assert table.pages_for(1, reason) > 0
    table.forget([(1, 1_000)])
    assert 0 == table.pages_for(1, reason)


@pytest.mark.parametrize(("kept", "pages"), [(99, 0), (100, 3), (200, 5), (300, 7)])
def test_pages_are_counted_by_the_bytes_of_the_ranges(table: DroppedTable, kept: int, pages: int) -> None:
    """Count 38 bytes for a range with its reason of 14 bytes; the first page holds 3,800 bytes."""
    reason = "é" * 7
    assert pages == table.pages_for(kept + 1, reason)
    table.add([(number * 2, number * 2) for number in range(1, kept + 1)], reason)
    assert (0 if kept < 100 else 2) == table.pages_for(1, reason)


@pytest.mark.parametrize(("size", "pages"), [(3_800, 0), (3_801, 2 * 3_801 // 4_096 + 2)])
def test_so_many_bytes_of_ranges_are_in_the_first_page(table: DroppedTable, size: int, pages: int) -> None:
    assert pages == table.pages_for(1, "r" * (size - 24))


def test_several_ranges_are_rows_of_their_own(table: DroppedTable) -> None:
    table.add([(1, 3)], "full")
    table.add([(4, 5), (9, 9)], "full")
    assert [(1, 3, "full"), (4, 5, "full"), (9, 9, "full")] == table.all()


def test_ranges_that_were_there_before_count(table: DroppedTable) -> None:
    table.add([(number * 2, number * 2) for number in range(1, 101)], "é" * 7)
    assert 2 == DroppedTable(table._db).pages_for(1, "")


@pytest.mark.parametrize(
    ("second", "reason"), [((5, 6), "full"), ((4, 6), "locked"), ((3, 6), "full")],
    ids=["behind a hole", "for another reason", "that begins in it"],
)  # fmt: skip
def test_a_range_that_does_not_go_on_is_a_row_of_its_own(
    table: DroppedTable, second: tuple[int, int], reason: str
) -> None:
    table.add([(1, 3)], "full")
    table.add([second], reason)
    assert [(1, 3, "full"), (*second, reason)] == table.all()
