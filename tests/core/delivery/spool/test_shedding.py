"""The choice of stored alerts to drop for new ones, and of new alerts to drop instead."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mozu.core.delivery.packed_alert import PackedAlert, size_of
from mozu.core.delivery.spool import Spool, shedding
from mozu.core.delivery.spool.forms import FormTable
from mozu.core.delivery.spool.shedding import StoredAlert, displaced, victims, window
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed

ONE = packed(alert("rule"))
NOISE = packed(alert("noise"))


def stored(*alerts: PackedAlert, first: int = 1) -> list[StoredAlert]:
    return [StoredAlert(number, len(one.body), one) for number, one in enumerate(alerts, first)]


def numbers(rows: list[StoredAlert]) -> list[int]:
    return [row.number for row in rows]


@pytest.mark.parametrize(
    ("missing", "dropped"), [(-1, [1, 2, 3]), (0, [1, 2, 3]), (1, [2, 3]), (ONE.size, [2, 3]), (2 * ONE.size, [3])]
)
def test_so_many_go_that_they_have_the_bytes_together(missing: int, dropped: list[int]) -> None:
    rows = stored(ONE, ONE, ONE)
    assert dropped == numbers(victims(rows, size_of(row.alert for row in rows) - missing))


def test_of_a_noisy_rule_the_newest_go_first() -> None:
    assert [4, 5] == numbers(victims(stored(ONE, NOISE, NOISE, NOISE, NOISE), 2 * NOISE.size))


def test_what_comes_displaces_no_more_than_it_needs_or_goes_itself() -> None:
    assert ([3], frozenset()) == _shown(displaced(stored(NOISE, NOISE, NOISE), [replace(ONE)]))
    assert ([], frozenset({0})) == _shown(displaced(stored(ONE, ONE), [ONE]))
    assert ([], frozenset({0})) == _shown(displaced(stored(ONE), [NOISE, NOISE][:1]))
    assert ([3], frozenset({1})) == _shown(displaced(stored(NOISE, NOISE, NOISE), [ONE, NOISE]))


def test_where_nothing_is_stored_a_half_of_what_comes_may_find_room_and_one_alone_may_not() -> None:
    assert ([], frozenset({0})) == displaced([], [ONE])
    assert ([], frozenset()) == displaced([], [])
    assert ([], frozenset({2, 3})) == displaced([], [ONE] * 4)
    assert ([], frozenset({1})) == displaced([], [ONE] * 2)


def _shown(found: tuple[list[StoredAlert], frozenset[int]]) -> tuple[list[int], frozenset[int]]:
    return numbers(found[0]), found[1]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a spool with numbers 1 to 8: alerts of two rules, one unreadable (5), one less severe (7), a notice (8)."""
    spool = Spool(tmp_path / "spool.db")
    broken = replace(ONE, body=ONE.body[:-3])
    less = packed(replace(alert("less"), priority=Severity.DEBUG))
    notice = packed(replace(alert("notice"), source="internal"))
    spool.append([ONE, NOISE, ONE, NOISE, broken, ONE, less, notice])
    yield spool._db
    spool.close()


@pytest.mark.parametrize(
    ("after", "without", "most", "found"),
    [
        (0, {2}, 9, [1, 3, 4, 6]),
        (2, set(), 9, [3, 4, 6]),
        (3, {4}, 9, [6]),
        (0, set(), 2, [6]),
        (0, {6, 4}, 2, [3]),
        (8, set(), 9, []),
    ],
)
def test_the_newest_of_a_priority_take_part_oldest_first(
    monkeypatch: pytest.MonkeyPatch, db: sqlite3.Connection, after: int, without: set[int], most: int, found: list[int]
) -> None:
    """Check that at most `most` rows are looked at, the unreadable ones included."""
    monkeypatch.setattr(shedding, "_WINDOW", most)
    rows = window(db, FormTable(db).get, Severity.NOTICE, after, frozenset(without))
    assert found == numbers(rows)
    assert all(row.length == len(row.alert.body) for row in rows)
