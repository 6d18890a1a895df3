import asyncio
from typing import Any

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.config import QueueSettings
from mozu.core.testing import alert
from tests.support.packing import packed, room


def queue(capacity: int = 2) -> tuple[MemoryQueue, Metrics]:
    metrics = Metrics()
    return MemoryQueue(room(capacity), metrics), metrics


def numbers(metrics: Metrics) -> dict[str, float]:
    return {labels.get("reason", name): value for name, labels, value in metrics.collect()}


def test_a_full_queue_drops_the_newest_and_counts_it() -> None:
    full, metrics = queue(1)
    full.put(packed(alert()))
    full.put(packed(alert()))
    counts = numbers(metrics)
    assert (2, 1, 1) == (counts["sink_alerts_accepted_total"], counts["queue full"], full.in_memory())


def test_what_is_dropped_has_used_its_numbers_and_is_reported_as_a_range() -> None:
    full, _ = queue(1)
    for _ in range(4):
        full.put(packed(alert()))
    assert [DroppedRange(2, 4, "its queue is full")] == full.take_dropped()
    assert [] == full.take_dropped()


async def _numbers(source: MemoryQueue, most: int) -> list[int]:
    return [number for number, _ in await source.get(most)]


def test_alerts_leave_in_order_with_their_numbers() -> None:
    two, _ = queue()
    two.put(packed(alert()))
    two.put(packed(alert()))
    assert [1, 2] == asyncio.run(_numbers(two, 10))


def test_a_closed_queue_gives_what_it_holds_and_then_nothing() -> None:
    async def scenario() -> tuple[int, int]:
        one, _ = queue()
        one.put(packed(alert()))
        one.close()
        return len(await one.get(10)), len(await one.get(10))

    assert (1, 0) == asyncio.run(scenario())


def test_backpressure_lasts_until_the_queue_is_half_empty() -> None:
    async def scenario() -> list[str]:
        story: list[str] = []
        full, _ = queue(4)
        for _ in range(4):
            full.put(packed(alert()))

        async def wait() -> None:
            await full.wait_capacity()
            story.append("capacity")

        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            await asyncio.sleep(0)
            await full.get(1)
            story.append("three left")
            await asyncio.sleep(0)
            await full.get(1)
            story.append("two left")
        return story

    assert ["three left", "two left", "capacity"] == asyncio.run(scenario())


def test_alerts_are_persisted_once_they_are_acknowledged_or_dropped() -> None:
    async def scenario() -> list[str]:
        story: list[str] = []
        two, _ = queue()
        two.put(packed(alert()))
        two.put(packed(alert()))

        async def wait() -> None:
            await two.wait_persisted(two.position())
            story.append("persisted")

        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            await two.get(10)
            await two.ack([1], [], [2])
            await asyncio.sleep(0)
            story.append("one arrived, one is tried again")
            await two.ack([], [(2, "rejected")], [])
        return story

    assert ["one arrived, one is tried again", "persisted"] == asyncio.run(scenario())


def test_what_is_left_at_the_end_is_counted_with_its_reason() -> None:
    async def scenario() -> dict[str, float]:
        two, metrics = queue()
        two.put(packed(alert()))
        two.put(packed(alert()))
        await two.get(1)
        await two.stop("stop deadline")
        return numbers(metrics)

    counts = asyncio.run(scenario())
    assert (2, 0) == (counts["stop deadline"], counts["sink_queue_records"])


def test_a_full_queue_still_takes_mozus_own_notices() -> None:
    full, metrics = queue(1)
    full.put(packed(alert()))
    notice = alert("Events lost")
    notice.source = "internal"
    full.put(packed(notice))
    assert (2, 0) == (full.in_memory(), numbers(metrics)["queue full"])


def test_no_number_that_is_delivered_is_in_a_range_of_dropped_ones() -> None:
    async def scenario() -> tuple[list[int], list[int]]:
        full, _ = queue(2)
        dropped, delivered = list[int](), list[int]()
        for number in range(40):
            full.put(packed(alert(f"rule {number % 3}")))
            if number % 10 == 5:
                delivered += await _numbers(full, 1)
        delivered += await _numbers(full, 10)
        for one in full.take_dropped():
            dropped += range(one.first, one.last + 1)
        return dropped, delivered

    dropped, delivered = asyncio.run(scenario())
    assert list(range(1, 41)) == sorted(dropped + delivered)


def test_a_full_queue_takes_a_worse_alert_and_drops_another_that_is_counted_with_its_rule() -> None:
    full, metrics = queue(1)
    full.put(packed(alert("noise")))
    worst = alert("intrusion")
    worst.priority = Severity.EMERGENCY
    full.put(packed(worst))
    ((number, kept),) = asyncio.run(full.get(10))
    assert (2, "intrusion") == (number, kept.form.rule)
    assert [DroppedRange(1, 1, "its queue is full")] == full.take_dropped()
    assert 1 == metrics.counter("sink_alerts_dropped_by_rule_total", priority="Notice", rule="noise").value


def test_a_burst_of_200_000_alerts_waits_whole_in_a_queue_of_the_default_size() -> None:
    metrics = Metrics()
    full = MemoryQueue(QueueSettings().bytes, metrics)
    values: dict[str, Any] = {
        "fd.name": "/tmp/pytest-of-nobody/wanted-12345", "proc.cmdline": "cat /tmp/pytest-of-nobody/wanted-12345",
        "proc.pid": 123_456, "proc.pname": "bash", "user.name": "nobody", "container.id": "host",
    }  # fmt: skip
    one = packed(alert("Sensitive file opened", **values))
    for _ in range(200_000):
        full.put(one)
    assert (200_000, []) == (full.in_memory(), full.take_dropped())
    assert numbers(metrics)["sink_queue_bytes"] == 200_000 * one.size <= 64 << 20
