"""Read-ahead: the alert that is given out next if some are on disk and some still in memory."""

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest

from mozu.core.delivery import read_ahead
from mozu.core.delivery.read_ahead import Numbered, ReadAhead
from mozu.core.testing import alert
from tests.support.packing import packed


class Disk:
    """Rows by number, and the number of reads."""

    def __init__(self) -> None:
        self.rows: dict[int, Numbered] = {}
        self.reads = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """A function that is called during a read, before the rows are taken."""

    def add(self, first: int, count: int) -> list[Numbered]:
        new = [(number, packed(alert(str(number)))) for number in range(first, first + count)]
        self.rows.update((row[0], row) for row in new)
        return new

    async def read(self, after: int, most: int) -> list[Numbered]:
        self.reads += 1
        self.meanwhile()
        return [self.rows[number] for number in sorted(self.rows) if number > after][:most]

    def ack(self, ahead: ReadAhead, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.rows[number]
        ahead.acked(numbers)


def commit(disk: Disk, ahead: ReadAhead, first: int, count: int) -> None:
    rows = disk.add(first, count)
    ahead.committed(rows[-1][0], [item for _, item in rows])


def taken(ahead: ReadAhead, most: int) -> list[int]:
    return [number for number, _ in asyncio.run(ahead.next(most))]


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.mark.parametrize("live_first", [False, True])
def test_what_follows_the_last_one_comes_from_memory(disk: Disk, live_first: bool) -> None:
    ahead = ReadAhead(disk.read, live_first=live_first)
    for first, count in ((1, 2), (3, 3)):
        commit(disk, ahead, first, count)
    assert ([1, 2, 3], [4, 5], 0) == (taken(ahead, 3), taken(ahead, 3), disk.reads)
    assert [] == taken(ahead, 3)


def test_a_backlog_comes_first_in_order(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    disk.add(1, 6)
    commit(disk, ahead, 7, 2)
    assert ([1, 2, 3, 4], [5, 6, 7, 8]) == (taken(ahead, 4), taken(ahead, 4))
    commit(disk, ahead, 9, 1)
    reads = disk.reads
    assert ([9], reads) == (taken(ahead, 4), disk.reads)


def test_what_has_just_come_overtakes_a_backlog_that_shrinks_all_the_same(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=True)
    disk.add(1, 20)
    commit(disk, ahead, 21, 20)
    assert [21, 22, 23, 1] == taken(ahead, 4)
    disk.ack(ahead, [21, 22, 1])
    rest = [number for _ in range(20) for number in taken(ahead, 4)]
    assert sorted(rest) == [*range(2, 21), *range(24, 41)]


def test_what_is_acknowledged_beyond_the_cursor_is_remembered_no_longer(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=True)
    disk.add(1, 20)
    commit(disk, ahead, 21, 20)
    assert [21, 22, 23, 1] == taken(ahead, 4)
    disk.ack(ahead, [21, 22, 1])
    assert (1, frozenset({23})) == ahead.settle()


def test_nothing_is_given_out_twice_before_it_is_acknowledged(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=True)
    disk.add(1, 3)
    commit(disk, ahead, 4, 3)
    seen = [number for _ in range(8) for number in taken(ahead, 4)]
    assert [1, 2, 3, 4, 5, 6] == sorted(seen)


def test_numbers_that_another_process_gave_are_not_passed_over(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    commit(disk, ahead, 1, 1)
    disk.add(2, 2)
    commit(disk, ahead, 4, 1)
    assert [1, 2, 3, 4] == [number for _ in range(4) for number in taken(ahead, 4)]


def test_what_was_dropped_is_not_given_out(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    commit(disk, ahead, 1, 4)
    for number in (1, 2):
        del disk.rows[number]
    ahead.settle()
    assert [3, 4] == taken(ahead, 4)


def test_memory_is_bounded_and_the_disk_has_the_rest(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    commit(disk, ahead, 1, 10_000)
    given = []
    while some := taken(ahead, 500):
        given += some
    assert list(range(1, 10_001)) == given


def test_what_was_given_out_another_way_and_acknowledged_is_not_given_out_again_from_memory(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    commit(disk, ahead, 1, 4)
    ahead.given([3])
    disk.ack(ahead, [3])
    assert [1, 2, 4] == taken(ahead, 9)


@pytest.mark.parametrize("live_first", [False, True])
def test_what_memory_was_given_back_for_comes_from_the_disk(disk: Disk, live_first: bool) -> None:
    ahead = ReadAhead(disk.read, live_first=live_first)
    commit(disk, ahead, 1, 5)
    assert [1, 2] == taken(ahead, 2)
    assert (3, 0) == (ahead.shrink(), ahead.shrink())
    assert [3, 4] == taken(ahead, 2)
    commit(disk, ahead, 6, 2)
    assert {5, 6, 7} == {*taken(ahead, 2), *taken(ahead, 9)}
    assert [] == taken(ahead, 9)


@pytest.mark.parametrize("live_first", [False, True])
def test_what_the_disk_has_lost_and_memory_holds_is_given_out(disk: Disk, live_first: bool) -> None:
    """Check that a read of the backlog stops at the alerts that are in memory."""
    ahead = ReadAhead(disk.read, live_first=live_first)
    disk.add(1, 6)
    commit(disk, ahead, 7, 4)
    for number in (2, 3, 8, 9):
        del disk.rows[number]
    found: list[int] = []
    while some := taken(ahead, 5):
        found += some
    assert [1, 4, 5, 6, 7, 8, 9, 10] == sorted(found)


def test_where_the_disk_has_nothing_any_more_memory_gives_what_it_holds(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    disk.add(1, 6)
    commit(disk, ahead, 7, 4)
    disk.rows.clear()
    assert [7, 8, 9, 10] == taken(ahead, 5)


def test_a_disk_that_cannot_be_read_now_is_no_disk_without_rows(disk: Disk) -> None:
    async def refused(after: int, most: int) -> list[Numbered] | None:
        return None

    ahead = ReadAhead(refused, live_first=False)
    disk.add(1, 6)
    commit(disk, ahead, 7, 4)
    assert [] == taken(ahead, 5)


def test_what_was_given_out_or_is_in_memory_is_held_and_what_is_on_disk_only_is_not(disk: Disk) -> None:
    ahead = ReadAhead(disk.read, live_first=False)
    disk.add(1, 2)
    assert [1] == taken(ahead, 1)
    assert [True, False, False] == [ahead.holds(number) for number in (1, 2, 3)]
    commit(disk, ahead, 3, 2)
    assert [True, False, True, True] == [ahead.holds(number) for number in (1, 2, 3, 4)]
    ahead.given([2])
    assert ahead.holds(2)


@pytest.mark.parametrize("live_first", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_each_alert_is_given_once_whatever_happens_in_between(
    monkeypatch: pytest.MonkeyPatch, seed: int, live_first: bool
) -> None:
    """Check the remaining numbers: on disk, given out and not acknowledged, and dropped."""
    monkeypatch.setattr(read_ahead, "_CACHED", 12)
    chance, disk, last = random.Random(f"{seed}/{live_first}"), Disk(), 0
    disk.add(1, last := 20)  # from an earlier run
    ahead = ReadAhead(disk.read, live_first=live_first)
    waiting, out = set(disk.rows), set[int]()

    def more() -> None:
        nonlocal last
        last += chance.choice((0, 0, 0, 2))  # numbers that another process used
        count = chance.randint(1, 6)
        commit(disk, ahead, last + 1, count)
        waiting.update(range(last + 1, last + count + 1))
        last += count

    def give(limit: int) -> list[int]:
        found = taken(ahead, limit)
        assert len(found) <= limit
        assert set(found) <= waiting
        assert len(set(found)) == len(found)
        assert found == sorted(found) or live_first
        waiting.difference_update(found)
        out.update(found)
        return found

    for _ in range(300):
        act = chance.random()
        if act < 0.35:
            more()
        elif act < 0.7:
            disk.meanwhile = chance.choice((lambda: None, lambda: None, more))
            give(chance.choice((1, 3, 8, 20)))
        elif act < 0.85:
            done = chance.sample(sorted(out), chance.randint(0, len(out)))
            disk.ack(ahead, done)
            out.difference_update(done)
        elif act < 0.9:
            ahead.shrink()
        elif act < 0.95 and waiting:
            notice = max(waiting)
            ahead.given([notice])
            waiting.discard(notice)
            out.add(notice)
        else:
            upto, beyond = ahead.settle()
            assert {number for number in out if number > upto} <= beyond
            for number in chance.sample(sorted(waiting), min(2, len(waiting))):
                assert number > upto
                assert number not in beyond
                del disk.rows[number]
                waiting.discard(number)
        assert all(ahead.holds(number) for number in out)
    disk.meanwhile = lambda: None
    for _ in range(1_000):
        if not give(7):
            break
    assert set() == waiting
