"""When an enricher is asked: once a key, within its limits, again after a time, and not in vain."""

import asyncio
from collections.abc import Awaitable, Callable

from mozu.core.api import LookupLimits, LookupTable
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing import virtual_clock
from mozu.testing import context
from tests.core.testing.acme import Geo, geo


class Desk:
    """The look-ups of an enricher whose answers take a tenth of a millisecond, and when it was asked."""

    def __init__(self, group: asyncio.TaskGroup, wrong: str = "", **limits: float) -> None:
        made = context()
        self.table: LookupTable[str] = made.lookups
        self.geo = Geo(made, {"a": "DE", "b": "FR"}, wrong)
        self._group = group
        enricher = Isolated("enricher", "geo", self.geo, Metrics())
        self.lookups = KeyLookups(enricher, LookupLimits(**limits), self._spawn, self.table)  # type: ignore[arg-type]  # all are numbers

    def _spawn(self, work: Awaitable[None], name: str) -> None:
        async def do() -> None:
            await work

        self._group.create_task(do())

    async def ask(self, key: str) -> None:
        """As the enrichment buffer does for an event."""
        if self.lookups.must_wait(key):
            answered = asyncio.Event()
            self.lookups.resolve(key, answered.set)
            await answered.wait()


def play(scene: Callable[[Desk], Awaitable[None]], wrong: str = "", **limits: float) -> list[str]:
    async def run() -> list[str]:
        async with asyncio.TaskGroup() as group:
            desk = Desk(group, wrong, **limits)
            await scene(desk)
        return desk.geo.asked

    return virtual_clock.run(run())


def test_a_known_key_is_asked_for_again_after_its_time_and_serves_meanwhile() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("a")
        await asyncio.sleep(299)
        assert not desk.lookups.must_wait("a")
        await asyncio.sleep(2)
        assert not desk.lookups.must_wait("a")  # it is asked for, beside
        assert desk.table.get("a") == "DE"

    assert play(scene, ttl=300) == ["a", "a"]


def test_without_a_time_to_live_a_key_is_asked_for_once() -> None:
    async def scene(desk: Desk) -> None:
        for _ in range(3):
            await desk.ask("a")
            await asyncio.sleep(100_000)

    assert play(scene, ttl=0) == ["a"]


def test_an_answer_that_there_is_nothing_counts_for_a_shorter_time() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("nothing")
        await asyncio.sleep(10)
        await desk.ask("nothing")
        await asyncio.sleep(51)
        await desk.ask("nothing")

    assert play(scene, negative_ttl=60) == ["nothing", "nothing"]


def test_a_look_up_that_raised_is_not_tried_for_every_event() -> None:
    async def scene(desk: Desk) -> None:
        for _ in range(10):
            await desk.ask("a")
        await asyncio.sleep(61)
        await desk.ask("a")

    assert play(scene, wrong="resolve raises", negative_ttl=60) == ["a", "a"]


def test_look_ups_keep_to_their_rate() -> None:
    times: list[float] = []

    async def scene(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()

        async def one(key: str) -> None:
            await desk.ask(key)
            times.append(loop.time() - begun)

        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(one(f"key {number}"))

    play(scene, per_second=10, parallel=100)
    assert times[-1] >= 1.8  # thirty of them, of which a second's worth may come at once


def test_what_waits_is_bounded() -> None:
    async def scene(desk: Desk) -> None:
        taken = [desk.lookups.resolve(f"key {number}", lambda: None) for number in range(5)]
        assert taken == [True, True, True, False, False]

    assert len(play(scene, cache=3)) == 3


def test_the_table_forgets_what_was_used_longest_ago() -> None:
    table = LookupTable[int](2)
    table.put("a", 1)
    table.put("b", 2)
    assert table.get("a") == 1
    table.put("c", None)
    assert ("a" in table, "b" in table, "c" in table, table.get("c"), len(table)) == (True, False, True, None, 2)


def test_declared_limits_are_what_an_entry_does_not_change() -> None:
    assert geo({}, parallel=3).lookups.parallel == 3


def test_where_memory_is_short_the_table_forgets_the_half_that_was_used_longest_ago() -> None:
    table = LookupTable[int](9)
    for number, key in enumerate("abcde"):
        table.put(key, number)
    table.get("a")
    assert [3, 1, 1, 0] == [table.shrink() for _ in range(4)]
    assert "a" not in table


def test_a_key_that_was_forgotten_is_asked_for_again() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("a")
        assert desk.lookups.shrink() > 0
        assert 0 == desk.lookups.shrink()
        await desk.ask("a")

    assert ["a", "a"] == play(scene)
