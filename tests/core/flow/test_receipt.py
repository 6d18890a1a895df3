"""The receipt of a batch: which of its alerts were dropped, and at which sink, behind real queues."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from mozu.core.api import Dropped
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.flow.receipt import Receipt
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.core.flow.making import alert_pipeline
from tests.support.packing import room


class Worker:
    """A worker before one queue, which accepts alerts of some rules only."""

    def __init__(self, name: str, queue: MemoryQueue | DiskQueue, *, only: str = "") -> None:
        self.name, self.queue, self._only = name, queue, only

    def accept(self, alert: PackedAlert) -> None:
        if alert.form.rule.startswith(self._only):
            self.queue.put(alert)


def receipt_of(rules: list[str], *workers: Worker, limiter: AlertLimiter | None = None) -> Receipt:
    pipeline = alert_pipeline(*workers, metrics=Metrics(), limiter=limiter)
    receipt = Receipt(pipeline.workers)
    for rule in rules:
        receipt.add(passed=pipeline.emit(alert(rule)))
    return receipt


def test_an_alert_that_one_sink_drops_is_dropped_wherever_else_it_is_safe() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        big, small = MemoryQueue(room(100), Metrics()), MemoryQueue(room(2), Metrics())
        receipt = receipt_of(["a", "b", "a", "a", "a"], Worker("big", big), Worker("small", small, only="a"))
        await big.ack([number for number, _ in await big.get(10)], [], [])
        await small.get(10)
        await small.ack([1], [(2, "too ugly")], [])
        return await receipt.settle()

    full = Dropped("sink small: queue full", can_retry=True)
    assert {2: Dropped("sink small: rejected: too ugly", can_retry=False), 3: full, 4: full} == asyncio.run(scenario())


def test_what_the_limiter_suppresses_is_dropped_by_policy() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        return await receipt_of(["a", "a"], limiter=AlertLimiter(dedup_seconds=60)).settle()

    assert {1: Dropped("suppressed by alert_limiter", can_retry=False)} == asyncio.run(scenario())


def settled(path: Path, rules: list[str], *, drop_oldest: bool, at_once: int) -> Mapping[int, Dropped]:
    """Return the receipt behind a spool of three alerts of about 30 kB, in commits of `at_once`."""

    async def main() -> Mapping[int, Dropped]:
        async with asyncio.TaskGroup() as group:

            def spawn(work: Coroutine[None, None, None], name: str) -> None:
                group.create_task(work)

            queue = DiskQueue(
                path,
                1 << 20,
                Metrics(),
                max_bytes=100_000,
                fsync=False,
                drop_oldest=drop_oldest,
                live_first=False,
                spawn=spawn,
            )
            await queue.open()
            pipeline = alert_pipeline(Worker("s", queue), metrics=Metrics())
            receipt = Receipt(pipeline.workers)
            for number, rule in enumerate(rules, 1):
                receipt.add(passed=pipeline.emit(alert(rule, name="x" * 30_000)))
                if number % at_once == 0:
                    await queue.wait_persisted(queue.position())
            dropped = await receipt.settle()
            queue.close()
            while queue.in_memory():
                await asyncio.sleep(0)
            await queue.stop("stop deadline")
        return dropped

    return asyncio.run(main())


def test_what_a_full_spool_drops_is_known(tmp_path: Path) -> None:
    dropped = settled(tmp_path / "s.db", list("abcde"), drop_oldest=False, at_once=1)
    assert dict.fromkeys((3, 4), Dropped("sink s: spool full", can_retry=True)) == dropped


def test_a_commit_that_does_not_fit_drops_its_alerts_alone(tmp_path: Path) -> None:
    dropped = settled(tmp_path / "s.db", list("abcdefg"), drop_oldest=False, at_once=2)
    assert {2, 3, 4, 5} == set(dropped)  # the only alert of the last commit fits


def test_what_newer_alerts_displaced_is_known_too_and_not_asked_for_again(tmp_path: Path) -> None:
    dropped = settled(tmp_path / "s.db", list("abcde"), drop_oldest=True, at_once=1)
    assert {0, 1} == set(dropped)
    assert {False} == {one.can_retry for one in dropped.values()}
    assert "displaced by newer alerts" in dropped[0].reason


def test_the_first_alert_of_a_batch_can_be_the_one_that_is_dropped() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        queue = MemoryQueue(room(100), Metrics())
        receipt = receipt_of(["a", "b"], Worker("sink", queue))
        await queue.get(10)
        await queue.ack([2], [(1, "too ugly")], [])
        return await receipt.settle()

    assert {0: Dropped("sink sink: rejected: too ugly", can_retry=False)} == asyncio.run(scenario())


async def deliver(worker: Worker) -> None:
    """Deliver the one alert that fitted."""
    ((number, _),) = await worker.queue.get(1)
    await worker.queue.ack([number], [], [])


def test_an_alert_that_a_route_leaves_out_is_not_dropped_with_those_around_it() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        worker = Worker("small", MemoryQueue(room(1), Metrics()), only="a")
        receipt = receipt_of(["a", "a", "b", "a"], worker)
        await deliver(worker)
        return await receipt.settle()

    assert {1, 3} == set(asyncio.run(scenario()))


def test_of_a_range_that_begins_before_a_batch_and_ends_behind_it_the_batch_has_its_part() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        worker = Worker("small", MemoryQueue(room(1), Metrics()))
        receipt_of(["a", "a"], worker)
        receipt = receipt_of(["a", "a"], worker)
        receipt_of(["a", "a"], worker)
        await deliver(worker)
        return await receipt.settle()

    assert {0, 1} == set(asyncio.run(scenario()))


def test_a_sink_that_a_reload_adds_is_followed_from_then_on_and_one_that_it_removes_to_the_end() -> None:
    async def scenario() -> Mapping[int, Dropped]:
        metrics = Metrics()
        before, after = (Worker(name, MemoryQueue(room(1), metrics)) for name in ("before", "after"))
        pipeline: Any = alert_pipeline(before, metrics=metrics)
        receipt = Receipt(pipeline.workers)
        for workers in ((before,), (before, after), (after,), (after,)):
            pipeline.use(workers, redact=lambda alert: None, limiter=AlertLimiter())
            receipt.follow(pipeline.workers)
            receipt.add(passed=pipeline.emit(alert("a")))
        for one in (before, after):
            await deliver(one)
        return await receipt.settle()

    dropped = asyncio.run(scenario())
    assert {1: "sink before", 2: "sink after", 3: "sink after"} == {
        index: one.reason.partition(":")[0] for index, one in dropped.items()
    }
