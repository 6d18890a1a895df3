import asyncio
from collections.abc import Callable
from typing import Any

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.drop_log import DroppedPositions
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.config import QueueSettings
from mozu.core.testing import alert
from tests.support.packing import packed, room

_DEADLINE = 60.0
"""Seconds after which a task that is not woken fails its test; a correct one is woken at once."""


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


def test_what_comes_and_the_end_wake_a_sink_that_waits_for_an_alert() -> None:
    async def scenario() -> list[list[int]]:
        one, _ = queue()
        found = []
        wakes: list[Callable[[], None]] = [lambda: one.put(packed(alert())), one.close]
        for wake in wakes:
            waiting = asyncio.ensure_future(_numbers(one, 10))
            await asyncio.sleep(0)
            wake()
            found.append(await waiting)
        return found

    assert [[1], []] == asyncio.run(asyncio.wait_for(scenario(), _DEADLINE))


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


def test_what_waits_goes_on_in_another_queue_which_counts_it() -> None:
    async def scenario() -> tuple[list[str], float, int]:
        three, metrics = queue(3)
        for rule in "abc":
            three.put(packed(alert(rule)))
        await three.get(1)
        taken = [one.form.rule for one in three.take_waiting()]
        return taken, numbers(metrics)["sink_alerts_accepted_total"], three.in_memory()

    assert (["b", "c"], 1, 1) == asyncio.run(scenario())


def test_what_was_given_out_and_goes_on_elsewhere_is_waited_for_no_longer() -> None:
    async def scenario() -> tuple[float, int]:
        two, metrics = queue()
        for _ in range(2):
            two.put(packed(alert()))
        await two.get(2)
        async with asyncio.TaskGroup() as group:
            group.create_task(two.wait_persisted(2))
            await asyncio.sleep(0)
            two.forget_unacked()
        return numbers(metrics)["sink_alerts_accepted_total"], two.in_memory()

    assert (0, 0) == asyncio.run(scenario())


def test_what_is_rejected_is_counted_and_would_be_rejected_again() -> None:
    async def scenario() -> tuple[float, list[DroppedPositions], int]:
        two, metrics = queue()
        for _ in range(2):
            two.put(packed(alert()))
        await two.get(2)
        await two.ack([1], [(2, "too large")], [])
        return numbers(metrics)["rejected"], [*two.drop_log.between(0, 9)], two.in_memory()

    rejected = DroppedPositions(2, 2, "rejected: too large", can_retry=False)
    assert (1, [rejected], 0) == asyncio.run(scenario())


def test_where_nothing_was_rejected_nothing_is_counted() -> None:
    async def scenario() -> dict[str, float]:
        one, metrics = queue()
        one.put(packed(alert()))
        await one.get(1)
        await one.ack([1], [], [])
        return numbers(metrics)

    assert asyncio.run(scenario())["rejected"] == 0


def test_at_the_end_what_is_left_is_dropped_from_the_oldest_on_and_waited_for_no_longer() -> None:
    async def scenario() -> tuple[int, list[DroppedPositions]]:
        three, _ = queue(3)
        for _ in range(3):
            three.put(packed(alert()))
        await three.get(2)
        await three.ack([1], [], [])
        async with asyncio.TaskGroup() as group:
            group.create_task(three.wait_persisted(3))
            await asyncio.sleep(0)
            waiting = await three.stop("stop deadline")
        return waiting, [*three.drop_log.between(0, 9)]

    assert (0, [DroppedPositions(2, 3, "stop deadline")]) == asyncio.run(scenario())


def test_an_empty_queue_drops_nothing_at_its_end() -> None:
    async def scenario() -> tuple[dict[str, float], list[DroppedPositions]]:
        two, metrics = queue()
        await two.stop("stop deadline")
        return numbers(metrics), [*two.drop_log.between(-1, 9)]

    counts, dropped = asyncio.run(scenario())
    assert (counts["stop deadline"], dropped) == (0, [])


def test_an_alert_that_displaces_another_ends_the_wait_for_that_one() -> None:
    async def scenario() -> None:
        one, _ = queue(1)
        one.put(packed(alert("noise")))
        async with asyncio.TaskGroup() as group:
            group.create_task(one.wait_persisted(1))
            await asyncio.sleep(0)
            worst = alert("intrusion")
            worst.priority = Severity.EMERGENCY
            one.put(packed(worst))

    asyncio.run(asyncio.wait_for(scenario(), _DEADLINE))


def test_a_closed_queue_holds_no_source_back() -> None:
    async def scenario() -> None:
        one, _ = queue(1)
        one.put(packed(alert()))
        async with asyncio.TaskGroup() as group:
            group.create_task(one.wait_capacity())
            await asyncio.sleep(0)
            one.close()

    asyncio.run(asyncio.wait_for(scenario(), _DEADLINE))


def test_another_capacity_counts_from_the_next_alert_on() -> None:
    one, metrics = queue(1)
    one.put(packed(alert()))
    one.resize(room(3))
    for _ in range(3):
        one.put(packed(alert()))
    assert (3, 1) == (one.in_memory(), numbers(metrics)["queue full"])
    assert 0 == one.shrink()


def test_a_queue_that_is_half_full_to_the_byte_holds_no_source_back() -> None:
    async def scenario() -> int:
        one = packed(alert())
        half = MemoryQueue(2 * one.size, Metrics())
        half.put(one)
        await half.wait_capacity()
        return len(half.take_problems())

    assert 0 == asyncio.run(asyncio.wait_for(scenario(), _DEADLINE))
