"""The bounds that the settings of a disk queue set, at its start and after a reload."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mozu.core.delivery import spool_file
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.spool import Spool
from mozu.core.metrics import Metrics
from mozu.core.testing import alert, virtual_clock
from tests.core.delivery.disk_queues import Here, play, take
from tests.support.packing import packed, room

T = TypeVar("T")
_LATE = 5.0
"""Seconds after which a late writer of a queue begins."""
_LARGE = packed(alert(name="x" * 100_000))


def written_late(path: Path, wait: Callable[[DiskQueue], Coroutine[Any, Any, None]], alerts: int) -> tuple[int, bool]:
    """Return (seconds that a caller waits, True if its alerts are on disk then), with a queue of four and a late
    writer.
    """

    async def main() -> tuple[int, bool]:
        loop, works = asyncio.get_running_loop(), list[Coroutine[None, None, None]]()
        async with asyncio.TaskGroup() as group:
            queue = DiskQueue(
                path, room(4), Metrics(), max_bytes=1 << 20, fsync=False, drop_oldest=False, live_first=False,
                spawn=lambda work, name: works.append(work),
            )  # fmt: skip
            await queue.open()
            for _ in range(alerts):
                queue.put(packed(alert()))
            loop.call_later(_LATE, lambda: [group.create_task(work) for work in works])
            begun = loop.time()
            await wait(queue)
            found = round(loop.time() - begun), not queue.in_memory()
            await asyncio.sleep(_LATE)
            queue.close()
        await queue.stop("stop")
        return found

    return virtual_clock.run(main())


@pytest.mark.parametrize(("alerts", "capacity", "waits"), [(2, 4, 0), (3, 4, 5), (4, 4, 5), (3, 6, 0), (2, 3, 5)])
def test_a_source_that_can_wait_does_so_until_at_most_half_of_the_capacity_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alerts: int, capacity: int, waits: int
) -> None:
    monkeypatch.setattr(spool_file, "WorkerThread", Here)

    async def wait(queue: DiskQueue) -> None:
        queue.resize(room(capacity))
        await queue.wait_capacity()

    assert (waits, waits > 0) == written_late(tmp_path / "s.db", wait, alerts)


@pytest.mark.parametrize(("position", "waits"), [(0, 0), (1, 5), (3, 5)])
def test_alerts_are_waited_for_until_their_writer_has_stored_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int, waits: int
) -> None:
    monkeypatch.setattr(spool_file, "WorkerThread", Here)
    found = written_late(tmp_path / "s.db", lambda queue: queue.wait_persisted(position), 3)
    assert (waits, waits > 0) == found


def test_a_source_that_waits_lets_others_work_though_no_sink_reads_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check the number of looks: one a second, and one at each commit."""
    monkeypatch.setattr(spool_file, "WorkerThread", Here)
    looks = 0

    async def wait(queue: DiskQueue) -> None:
        await queue.wait_persisted(3)
        run, oldest = queue._file.run, queue._oldest

        def counted() -> int:
            nonlocal looks
            looks += 1
            assert looks < 4 * _LATE, "a virtual clock stands still for a task that never waits"
            return oldest()

        async def slow(work: Callable[[Spool], T]) -> T:
            await asyncio.sleep(_LATE)
            return await run(work)

        monkeypatch.setattr(queue._file, "run", slow)
        monkeypatch.setattr(queue, "_oldest", counted)
        for _ in range(3):
            queue.put(packed(alert()))
        await queue.wait_persisted(4)

    assert (int(2 * _LATE), True) == written_late(tmp_path / "s.db", wait, 3)


def test_a_larger_capacity_counts_from_the_next_alert_on(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> list[tuple[int, int]]:
        queue.resize(room(3))
        for _ in range(5):
            queue.put(packed(alert()))
        await queue.wait_persisted(5)
        return [(one.first, one.last) for one in queue.take_dropped()]

    assert [(4, 5)] == play(tmp_path / "s.db", scenario, capacity=room(1))[0]


@pytest.mark.parametrize(
    ("settings", "left"),
    [({"max_bytes": 1 << 30}, ["a", "b", "c", "d"]), ({"drop_oldest": True}, ["c", "d"]), ({}, ["a", "b"])],
)
def test_other_settings_of_the_file_hold_from_the_next_commit_on(
    tmp_path: Path, settings: dict[str, Any], left: list[str]
) -> None:
    whole: dict[str, Any] = {"max_bytes": 250_000, "fsync": False, "drop_oldest": False, "live_first": False}

    async def scenario(queue: DiskQueue) -> list[str]:
        await queue.configure(**{**whole, **settings})
        for number, rule in enumerate("abcd", 1):
            queue.put(packed(alert(rule, name="x" * 100_000)))
            await queue.wait_persisted(number)
        return await take(queue, len(left))

    assert left == play(tmp_path / "s.db", scenario, max_bytes=250_000, drop_oldest=not settings)[0]


@pytest.mark.parametrize(("live_first", "given"), [(True, ["new", "old"]), (False, ["old", "new"])])
def test_after_a_reload_a_backlog_waits_for_what_is_new_or_goes_before_it(
    tmp_path: Path, live_first: bool, given: list[str]
) -> None:
    async def before(queue: DiskQueue) -> None:
        queue.put(packed(alert("old")))

    async def scenario(queue: DiskQueue) -> list[str]:
        await queue.configure(max_bytes=1 << 20, fsync=False, drop_oldest=False, live_first=live_first)
        queue.put(packed(alert("new")))
        await queue.wait_persisted(1)
        return await take(queue, 2)

    play(tmp_path / "s.db", before)
    assert given == play(tmp_path / "s.db", scenario, live_first=not live_first)[0]


def test_where_memory_is_short_alerts_that_are_on_disk_are_read_there(tmp_path: Path) -> None:
    async def scenario(queue: DiskQueue) -> tuple[int, int, list[str]]:
        for rule in "abc":
            queue.put(packed(alert(rule)))
        await queue.wait_persisted(3)
        return queue.shrink(), queue.shrink(), await take(queue, 3)

    assert (3, 0, ["a", "b", "c"]) == play(tmp_path / "s.db", scenario)[0]


@pytest.mark.parametrize(("oldest", "age"), [(None, 0.0), (97_500_000_000, 2.5), (100_000_000_001, 0.0)])
def test_the_age_of_the_oldest_alert_is_never_negative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, oldest: int | None, age: float
) -> None:
    async def scenario(queue: DiskQueue) -> float:
        spool = queue._file._spool
        assert spool is not None
        monkeypatch.setattr(type(spool), "oldest", oldest, raising=False)
        monkeypatch.setattr(time, "time_ns", lambda: 100_000_000_000)
        return next(value for name, _, value in queue._metrics.collect() if name == "spool_oldest_seconds")

    assert age == play(tmp_path / "s.db", scenario)[0]
