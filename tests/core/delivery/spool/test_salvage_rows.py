"""The rows of a table that are found if some of its pages are unreadable, or belong to another place."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from mozu.core.delivery.spool import salvage
from mozu.core.delivery.spool.salvage import _Rows


class Cursor:
    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)


class Damaged:
    """A database of one table: keys in the order of its pages, None for an unreadable row."""

    def __init__(self, keys: list[object], *, last: object = None, sequence: object = None) -> None:
        self.keys, self.last, self.sequence = keys, last, sequence
        """`last`: the result of max(), None if unreadable; likewise `sequence` of sqlite_sequence."""
        self.alone = frozenset[int]()
        """Keys of rows that can be read by their key but not in order."""
        self.probes = 0

    def execute(self, query: str, parameters: tuple[int, ...] = ()) -> Cursor:
        if "max(" in query or "sqlite_sequence" in query:
            found = self.last if "max(" in query else self.sequence
            if found is None:
                raise sqlite3.DatabaseError("malformed")
            return Cursor(iter([(found,)]))
        if ">=" in query:
            return Cursor(self._from(parameters[0]))
        self.probes += 1
        if parameters[0] not in self.keys and parameters[0] not in self.alone:
            raise sqlite3.DatabaseError("malformed")
        return Cursor(iter([(parameters[0],)]))

    def _from(self, at: int) -> Iterator[tuple[Any, ...]]:
        if at in self.alone:
            raise sqlite3.DatabaseError("malformed")
        known = [place for place, key in enumerate(self.keys) if isinstance(key, int) and key >= at]
        for key in self.keys[known[0] :] if known else []:
            if key is None:
                raise sqlite3.DatabaseError("malformed")
            yield (key, f"row {key}")


def found(db: Damaged) -> list[object]:
    return found_and_gaps(db)[0]


def found_and_gaps(db: Damaged) -> tuple[list[object], list[tuple[int, int | None]]]:
    rows = _Rows(db, "alerts", "seq", "seq, body")  # type: ignore[arg-type]  # as much of it as is used
    return [row[0] for row in rows], rows.gaps


@pytest.mark.parametrize(("last", "sequence"), [(6, None), ("text", 6), (None, 6)])
def test_behind_what_cannot_be_read_the_next_rows_are_found_up_to_the_last_one(last: object, sequence: object) -> None:
    assert [1, 2, 4, 6] == found(Damaged([1, 2, None, 4, None, 6], last=last, sequence=sequence))


@pytest.mark.parametrize("next_one", [3, 4, 5])
def test_the_next_row_is_found_however_many_cannot_be_read_before_it(next_one: int) -> None:
    assert [1, next_one] == found(Damaged([1, None, next_one], last=next_one))


def test_where_no_last_row_is_known_what_can_be_read_at_once_is_all() -> None:
    assert [1, 2] == found(Damaged([1, 2, None, 4]))
    assert [1, 2, 4] == found(Damaged([1, 2, 4]))


def test_a_whole_table_is_read_without_trying_its_rows() -> None:
    db = Damaged([1, 2, 5], last=5)
    assert ([1, 2, 5], 0) == (found(db), db.probes)
    assert [] == found(Damaged([], last="none", sequence="none"))


def test_keys_that_run_backwards_are_rows_of_another_place() -> None:
    assert [1, 5, 7] == found(Damaged([1, 5, 2, 7], last=7))
    assert [1, 3] == found(Damaged([1, "text", 3], last=3))


def test_pages_that_lead_to_each_other_are_read_once() -> None:
    class Circle(Damaged):
        def _from(self, at: int) -> Iterator[tuple[Any, ...]]:
            yield from ((key, "row") for key in (at, 1))
            raise AssertionError("it was read on behind the key that ran backwards")

    assert [1, 3] == found(Circle([1, 2, 3], last=3))


def test_a_row_that_cannot_be_read_in_order_does_not_hold_up_those_behind_it() -> None:
    db = Damaged([1, 2, None, 5], last=5)
    db.alone = frozenset({3, 4})
    assert [1, 2, 5] == found(db)


def test_rows_are_not_tried_one_by_one_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "_MOST_PROBES", 10)
    db = Damaged([1, None], last=1 << 40)
    assert ([1], 11) == (found(db), db.probes)
    assert [1, 9] == found(Damaged([1, None, 9], last=1 << 40))


@pytest.mark.parametrize(
    ("keys", "last", "gaps"),
    [
        ([1, 2, 5], 5, []),
        ([1, 2, None, 5, 7], 7, [(3, 4)]),
        ([1, None, 3, 4, None, 9, None], 12, [(2, 2), (5, 8), (10, None)]),
        ([1, 2, None, 5], None, [(3, None)]),
        ([1, 5, 2, 7], 7, [(1, None), (6, 6)]),
    ],
    ids=["a hole", "a bad page", "three", "no last one", "backwards"],
)
def test_keys_that_a_bad_page_may_have_held_are_a_gap_and_a_hole_between_rows_is_none(
    keys: list[object], last: object, gaps: list[tuple[int, int | None]]
) -> None:
    """Check that with keys running backwards, where no hole proves anything, the gap is the whole table."""
    assert gaps == found_and_gaps(Damaged(keys, last=last))[1]
