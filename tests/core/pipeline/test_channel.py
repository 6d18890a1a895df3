import asyncio

from mozu.core.metrics import Metrics
from mozu.core.pipeline.channel import Channel
from mozu.core.testing import alert


def channel(capacity: int = 2) -> Channel:
    return Channel(capacity, Metrics())


def test_a_full_channel_drops_the_newest_and_counts_it() -> None:
    full = channel(1)
    assert full.put(alert())
    assert not full.put(alert())
    assert (2, 1, 1) == (full.accepted.value, full.dropped.value, len(full))


def test_what_is_dropped_has_used_its_numbers_and_is_told_as_a_range() -> None:
    full = channel(1)
    for _ in range(4):
        full.put(alert())
    assert (2, 4) == full.take_gap()
    assert full.take_gap() is None


async def _numbers(source: Channel, most: int) -> list[int]:
    return [number for number, _ in await source.get(most)]


def test_alerts_leave_in_order_with_their_numbers() -> None:
    two = channel()
    two.put(alert())
    two.put(alert())
    assert [1, 2] == asyncio.run(_numbers(two, 10))


def test_a_closed_channel_gives_what_it_holds_and_then_nothing() -> None:
    async def scenario() -> tuple[int, int]:
        one = channel()
        one.put(alert())
        one.close()
        return len(await one.get(10)), len(await one.get(10))

    assert (1, 0) == asyncio.run(scenario())


def test_room_waits_until_the_queue_is_half_empty() -> None:
    async def scenario() -> list[str]:
        story: list[str] = []
        full = channel(4)
        for _ in range(4):
            full.put(alert())

        async def wait() -> None:
            await full.room()
            story.append("room")

        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            await asyncio.sleep(0)
            await full.get(1)
            story.append("three left")
            await asyncio.sleep(0)
            await full.get(1)
            story.append("two left")
        return story

    assert ["three left", "two left", "room"] == asyncio.run(scenario())
