"""The ledger of a disk queue: every alert is in exactly one account, whatever put it there."""

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.sink_counters import DROP_REASONS, make_counters
from mozu.core.delivery.spool import Spool, SpoolFull, SpoolLocked, SpoolUnwritable
from mozu.core.delivery.spool.refusal import DiskFull
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.core.delivery.disk_queues import play
from tests.support.packing import packed


def put(queue: DiskQueue, count: int) -> None:
    for _ in range(count):
        queue.put(packed(alert()))


def redrive(path: Path) -> int:
    """Put dead letters back as another process would; return their number."""
    with closing(Spool(path)) as spool:
        return spool.redrive()


def damage_pages(path: Path, with_text: bytes, which: slice) -> None:
    """Overwrite some of the pages that hold this text."""
    raw = bytearray(path.read_bytes())
    starts = [start for start in range(0, len(raw), 4_096) if with_text in raw[start : start + 4_096]]
    with path.open("r+b") as file:
        for start in starts[which]:
            file.seek(start)
            file.write(b"\xff" * 4_096)


async def given(queue: DiskQueue, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found += [number for number, _ in await queue.get(count - len(found))]
    return found


def numbers(path: Path, scenario: Callable[[DiskQueue], Coroutine[Any, Any, Any]]) -> dict[str, float]:
    """Return the counts of the queue at the end of the scenario, and of the metrics after its stop."""
    now: dict[str, float] = {}

    async def watched(queue: DiskQueue) -> None:
        await scenario(queue)
        now["waiting"], now["in memory"] = queue.waiting(), queue.in_memory()

    _, counts, _ = play(path, watched)
    return {**counts, **now}


def test_a_dead_letter_that_is_redriven_and_delivered_leaves_nothing_waiting(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> None:
        put(queue, 1)
        await queue.ack([], [(number, "no") for number in await given(queue, 1)], [])
        assert (0, 1) == (queue.waiting(), queue._file.counts.dead)
        assert redrive(path) == 1
        numbers = await given(queue, 1)
        assert (1, 0) == (queue.waiting(), queue._file.counts.dead)
        await queue.ack(numbers, [], [])

    found = numbers(path, scenario)
    names = ("sink_alerts_accepted_total", "spool_redriven_records_total", "sink_alerts_dead_lettered_total", "waiting")
    assert [1, 1, 1, 0] == [found[name] for name in names]


def test_three_that_wait_are_three_whatever_was_redriven_before(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> None:
        for _ in range(3):
            put(queue, 3)
            await queue.ack([], [(number, "no") for number in await given(queue, 3)], [])
            redrive(path)
            await queue.ack(await given(queue, 3), [], [])
        put(queue, 3)
        await queue.wait_persisted(queue.position())

    found = numbers(path, scenario)
    assert (3, 0, 3) == (found["waiting"], found["in memory"], found["spool_left_records_total"])
    assert (12, 9, 9) == tuple(
        found[f"{name}_total"]
        for name in ("sink_alerts_accepted", "sink_alerts_dead_lettered", "spool_redriven_records")
    )


def test_what_another_process_puts_back_between_two_commits_is_taken_in_before_it_is_read(tmp_path: Path) -> None:
    """Check a commit that finds foreign numbers below its own."""
    path = tmp_path / "s.db"

    async def scenario(queue: DiskQueue) -> None:
        put(queue, 2)
        await queue.ack([], [(number, "no") for number in await given(queue, 2)], [])
        redrive(path)
        put(queue, 1)
        await queue.wait_persisted(queue.position())
        assert queue.waiting() == 3

    assert numbers(path, scenario)["spool_redriven_records_total"] == 2


def test_what_was_redriven_before_the_start_is_found_by_it(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def before(queue: DiskQueue) -> None:
        put(queue, 2)
        await queue.ack([], [(number, "no") for number in await given(queue, 2)], [])

    async def after(queue: DiskQueue) -> None:
        assert queue.waiting() == 2

    numbers(path, before)
    redrive(path)
    found = numbers(path, after)
    assert (2, 0) == (found["spool_found_records_total"], found["spool_redriven_records_total"])


def test_an_acknowledgement_that_the_file_refuses_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(queue: DiskQueue) -> None:
        put(queue, 3)
        numbers = await given(queue, 3)
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "delete", refuse)
            await queue.ack(numbers[:2], [], [])
            assert (1, 3) == (queue.waiting(), queue._file.counts.waiting)
        await queue.ack(numbers[2:], [], [])
        assert (0, 0) == (queue.waiting(), queue._file.counts.waiting)

    def refuse(spool: Spool, numbers: Any) -> None:
        raise DiskFull("full")

    assert numbers(tmp_path / "s.db", scenario)["spool_left_records_total"] == 0


def test_a_file_damaged_between_delivery_and_acknowledgement_loses_no_account(tmp_path: Path) -> None:
    """Acknowledge half of 400 delivered alerts after the damage; the rest is in memory only, if the file has lost it,
    and is lost at the stop.
    """
    path = tmp_path / "s.db"

    async def before(queue: DiskQueue) -> None:
        for number in range(400):
            queue.put(packed(alert(name=f"{number}-{'x' * 300}")))

    async def scenario(queue: DiskQueue) -> None:
        found = await given(queue, 400)
        queue.shrink()
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await queue._file.run(lambda spool: spool._db.execute("PRAGMA shrink_memory"))
        damage_pages(path, b"x" * 200, slice(5, 25))
        await queue.ack(found[:200], [], [])
        assert queue.waiting() == 200
        await queue.ack(found[200:210], [(found[210], "no")], [])
        assert queue.waiting() == 189

    numbers(path, before)
    found = numbers(path, scenario)
    settled = 210 + found["sink_alerts_dead_lettered_total"] + found["spool damaged"]
    assert 400 == found["spool_found_records_total"] == settled + found["spool_left_records_total"]
    assert 0 < found["spool damaged"] < 189

    async def after(queue: DiskQueue) -> tuple[list[int], list[int]]:
        announced = [number for one in queue.take_dropped() for number in range(one.first, one.last + 1)]
        return announced, [number for number, _ in await queue.get(400, wait=False)]

    announced, left = play(path, after)[0]
    assert list(range(211, 401)) == sorted(announced + left), "no other than those that were not acknowledged"
    assert len(set(announced) & set(range(211, 401))) == found["spool damaged"]


def test_every_counter_is_there_from_the_start_with_nothing_in_it(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> None:
        pass

    found = numbers(tmp_path / "s.db", scenario)
    assert set(DROP_REASONS) <= set(found)
    assert {one.reason for one in (SpoolFull, DiskFull, SpoolLocked, SpoolUnwritable)} <= set(DROP_REASONS)
    metrics = Metrics()
    make_counters(metrics)
    assert {name for name, _, _ in metrics.collect() if name.endswith("_total")} <= {
        *found, "sink_alerts_dropped_total", "sink_alerts_delivered_total",
    }  # fmt: skip
