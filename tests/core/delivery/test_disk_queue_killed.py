"""A run that is killed at any moment leaves every number that it dropped to the next run, which announces it."""

import asyncio
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery.alert_queue import GIVEN_UP, DroppedRange
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import OwedNumbers, Spool
from mozu.core.model.alert import Alert, Severity
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play, take
from tests.support.packing import packed, room

NOTICE = replace(alert("Alerts dropped"), source="internal")


def killed(path: Path) -> Path:
    """Return a copy of what a run killed now leaves: everything written so far, nothing that is written at the end."""
    left = path.parent / "left" / path.name
    left.parent.mkdir(exist_ok=True)
    for suffix in ("", "-wal", ".owed"):
        shutil.copy(path.with_name(path.name + suffix), left.with_name(left.name + suffix))
    return left


def not_there(path: Path) -> list[int]:
    """Return the numbers that were used and under which no alert waits."""
    with closing(Spool(path)) as spool:
        return sorted(set(range(1, spool.last() + 1)) - {number for number, _ in spool.read(0, 10_000)})


async def put(queue: DiskQueue, *alerts: Alert) -> None:
    for one in alerts:
        queue.put(packed(one))
    await queue.wait_persisted(queue.position())


async def next_run(queue: DiskQueue) -> list[DroppedRange]:
    return queue.take_dropped()


def numbers(ranges: list[DroppedRange]) -> list[int]:
    return [number for one in ranges for number in range(one.first, one.last + 1)]


async def fill(queue: DiskQueue) -> None:
    """Put more alerts than fit."""
    for _ in range(10):
        await put(queue, *[alert(name="x" * 400) for _ in range(50)])


@pytest.mark.parametrize(
    "settings",
    [{}, {"drop_oldest": True}, {"capacity": room(10)}],
    ids=["the newest", "the oldest", "before their commit"],
)
def test_what_was_dropped_is_announced_by_the_next_run(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "s.db"

    async def run(queue: DiskQueue) -> Path:
        await fill(queue)
        return killed(path)

    left, _, _ = play(path, run, max_bytes=1 << 16, **settings)
    missing = not_there(left)
    announced, _, _ = play(left, next_run, max_bytes=1 << 16)
    assert missing == sorted(numbers(announced))
    assert missing


def test_what_made_room_for_worse_is_announced_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def run(queue: DiskQueue) -> Path:
        await fill(queue)
        await put(queue, *[replace(alert(name="x" * 400), priority=Severity.CRITICAL) for _ in range(20)])
        return killed(path)

    left, _, _ = play(path, run, max_bytes=1 << 16)
    missing = not_there(left)
    announced, _, _ = play(left, next_run, max_bytes=1 << 16)
    assert missing == sorted(numbers(announced))
    assert missing
    assert set(missing).isdisjoint(range(501, 521)), "stored ones made room"


def test_dead_letters_are_announced_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def run(queue: DiskQueue) -> Path:
        await put(queue, *[alert()] * 5)
        await queue.get(5)
        await queue.ack([1], [(2, "rejected"), (4, "rejected")], [])
        return killed(path)

    left, _, _ = play(path, run)
    announced, _, _ = play(left, next_run)
    assert [2, 4] == numbers(announced)


@pytest.mark.parametrize("is_stored", [False, True])
def test_what_a_notice_on_disk_announces_is_not_announced_again(tmp_path: Path, is_stored: bool) -> None:
    path = tmp_path / "s.db"

    async def run(queue: DiskQueue) -> tuple[Path, list[int]]:
        await fill(queue)
        dropped = queue.take_dropped()
        queue.put(packed(NOTICE))
        queue.announced(dropped)
        if is_stored:
            with closing(Spool(path)) as other:
                while other.unannounced():
                    await asyncio.sleep(0.01)  # a change of the file sends no event
        return killed(path), numbers(dropped)

    (left, dropped), _, _ = play(path, run, max_bytes=1 << 16)
    announced, _, _ = play(left, next_run, max_bytes=1 << 16)
    assert ([] if is_stored else dropped) == numbers(announced)


def test_a_debt_that_was_paid_right_before_the_kill_is_paid_once_and_announced(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(Spool(path)) as spool, closing(OwedNumbers(path)) as owed:
        owed.add(3, "the disk is full")
        spool.skip(owed.count, owed.reason, owed.debt)
        left = killed(path)

    async def run(queue: DiskQueue) -> tuple[list[DroppedRange], int]:
        await put(queue, alert())
        return queue.take_dropped(), (await queue.get(1))[0][0]

    found, _, _ = play(left, run)
    assert ([DroppedRange(1, 3, "the disk is full")], 4) == found


def test_a_debt_that_was_not_paid_before_the_kill_is_paid_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(Spool(path)) as spool, closing(OwedNumbers(path)) as owed:
        owed.add(2, "the disk is full")
        spool.skip(owed.count, owed.reason, owed.debt)
        owed.paid()
        owed.add(3, "the disk is full")
        left = killed(path)

    async def run(queue: DiskQueue) -> list[DroppedRange]:
        await put(queue, alert())
        return queue.take_dropped()

    found, _, _ = play(left, run)
    assert [1, 2, 3, 4, 5] == numbers(found)


def test_numbers_whose_notice_was_given_up_are_announced_by_the_next_run(tmp_path: Path) -> None:
    async def first(queue: DiskQueue) -> None:
        queue.put(packed(alert("dead")))
        await take(queue, 1)
        await queue.ack([], [(1, "404")], [])
        queue.announced([DroppedRange(1, 1, GIVEN_UP)])
        queue.put(packed(NOTICE))
        await take(queue, 1)
        while await _unannounced(queue):
            await asyncio.sleep(0)
        await queue.drop_again([DroppedRange(1, 1, GIVEN_UP)])
        await queue.ack([], [(2, "404")], [])

    async def second(queue: DiskQueue) -> list[DroppedRange]:
        return queue.take_dropped()

    play(tmp_path / "s.db", first)
    announced, _, _ = play(tmp_path / "s.db", second)
    assert [DroppedRange(1, 2, GIVEN_UP)] == announced


async def _unannounced(queue: DiskQueue) -> list[tuple[int, int, str]]:
    return await queue._file.run(Spool.unannounced)
