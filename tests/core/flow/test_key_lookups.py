"""The times at which an enricher is asked: once a key, within its limits, again after a time, and not in vain."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mozu.core.api import LookupLimits, LookupTable
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.owner import OWNER
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event
from mozu.core.testing import virtual_clock
from mozu.testing import context
from tests.core.testing.acme import Geo, geo, visit


class Desk:
    """The look-ups of an enricher that answers within a tenth of a millisecond, and the times at which it was asked."""

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
        """Ask for a key as the enrichment buffer does for an event."""
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
        assert not desk.lookups.must_wait("a")  # the key is asked for in the background
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
    assert times[-1] >= 1.8  # thirty look-ups, of which a second's worth may come at once


def test_a_second_of_its_rate_may_come_at_once_and_the_rest_comes_evenly() -> None:
    times: list[float] = []

    async def scene(desk: Desk) -> None:
        await asyncio.sleep(5.0)
        begun = asyncio.get_running_loop().time()
        spawn = desk.lookups._spawn

        def noted(work: Awaitable[None], name: str) -> None:
            times.append(round(asyncio.get_running_loop().time() - begun, 3))
            spawn(work, name)

        desk.lookups._spawn = noted
        for number in range(8):
            desk.lookups.resolve(f"key {number}", lambda: None)
        await asyncio.sleep(10.0)

    play(scene, per_second=4, parallel=100)
    assert times == [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 0.75]


def test_no_more_look_ups_run_at_once_than_the_limit_and_a_queued_one_starts_when_one_ends() -> None:
    async def scene(desk: Desk) -> None:
        for number in range(7):
            desk.lookups.resolve(f"key {number}", lambda: None)
        assert desk.lookups.is_asked("key 6")
        assert not desk.lookups.is_asked("key 7")
        await asyncio.sleep(1.0)
        assert (desk.geo.most_at_once, len(desk.geo.asked)) == (3, 7)
        assert not desk.lookups.is_asked("key 6")

    play(scene, parallel=3)


def test_a_further_asker_for_a_key_under_way_joins_and_is_called_back_with_the_first() -> None:
    answered: list[str] = []

    async def scene(desk: Desk) -> None:
        assert desk.lookups.must_wait("a")
        assert desk.lookups.resolve("a", lambda: answered.append("first"))
        assert desk.lookups.must_wait("a")  # as for events of another source
        assert desk.lookups.resolve("a", lambda: answered.append("second"))
        await asyncio.sleep(1.0)
        assert not desk.lookups.must_wait("a")

    assert play(scene) == ["a"]
    assert answered == ["first", "second"]


def test_a_known_key_that_is_asked_for_again_does_not_wait() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("a")
        await asyncio.sleep(300)
        assert not desk.lookups.must_wait("a")
        assert desk.lookups.is_asked("a")
        assert not desk.lookups.must_wait("a")

    assert play(scene, ttl=300) == ["a", "a"]


def test_an_unknown_key_is_asked_for_again_from_the_end_of_its_time_on() -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("nothing")
        desk.table.shrink()
        now = asyncio.get_running_loop().time()
        desk.lookups._own_clock = lambda: now + 59.0
        assert not desk.lookups.must_wait("nothing")
        desk.lookups._own_clock = lambda: now + 60.0
        assert desk.lookups.must_wait("nothing")

    play(scene, negative_ttl=60)


def test_what_was_asked_is_counted_by_how_it_ended() -> None:
    async def scene(desk: Desk) -> None:
        for key in ("a", "nothing", "b"):
            await desk.ask(key)
        assert counted(desk) == {"": 3, "_empty": 1, "_unknown": 0, "_refused": 0}

    play(scene)


def test_an_enricher_that_keeps_no_answer_is_counted_each_time_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene(desk: Desk) -> None:
        for key in ("a", "b", "c"):
            await desk.ask(key)
            assert 1 == caplog.text.count("has ended, and `known` is False")
        assert counted(desk) == {"": 3, "_empty": 3, "_unknown": 3, "_refused": 0}

    play(scene, wrong="never known")


def counted(desk: Desk) -> dict[str, float]:
    """Return the counters of look-ups by the end of their names."""
    name = "enricher_lookups"
    found = {kind: value for kind, _, value in desk.lookups.enricher.metrics.collect()}
    return {end: found[f"{name}{end}_total"] for end in ("", "_empty", "_unknown", "_refused")}


@pytest.mark.parametrize("wrong", ["key raises", "key is no text"])
def test_an_event_whose_key_cannot_be_given_waits_for_nothing(wrong: str) -> None:
    async def scene(desk: Desk) -> None:
        assert desk.lookups.key(visit("a")) is None
        assert desk.lookups.enricher.suspension.is_over

    assert play(scene, wrong) == []


def test_an_enricher_that_cannot_say_what_it_knows_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        await desk.ask("a")
        assert desk.lookups.knows("a")

        def fails(key: str) -> bool:
            raise ValueError("no table")

        monkeypatch.setattr(desk.geo, "known", fails)
        assert not desk.lookups.knows("a")

    play(scene)


def test_what_happens_after_a_key_was_given_is_not_the_enricher_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        owners: list[object] = []
        key = desk.geo.key

        def noted(event: Event) -> str | None:
            owners.append(OWNER.get())
            return key(event)

        monkeypatch.setattr(desk.geo, "key", noted)
        before = OWNER.get()
        desk.lookups.key(visit("a"))
        assert ([desk.lookups.enricher], before) == (owners, OWNER.get())

    play(scene)


def test_an_enricher_whose_key_was_broken_off_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        assert desk.lookups.key(visit("a")) == "a"

        def holds(event: object) -> str:
            raise Interrupted("it held the event loop")

        monkeypatch.setattr(desk.geo, "key", holds)
        assert desk.lookups.key(visit("a")) is None
        monkeypatch.undo()
        assert not desk.lookups.enricher.suspension.is_over
        assert desk.lookups.key(visit("a")) is None

    play(scene)


def test_what_waits_is_bounded() -> None:
    async def scene(desk: Desk) -> None:
        taken = [desk.lookups.resolve(f"key {number}", lambda: None) for number in range(5)]
        assert taken == [True, True, True, False, False]
        assert counted(desk)["_refused"] == 2

    assert len(play(scene, cache=3)) == 3


def test_the_table_forgets_what_was_used_longest_ago() -> None:
    table = LookupTable[int](2)
    table.put("a", 1)
    table.put("b", 2)
    assert table.get("a") == 1
    table.put("c", None)
    assert ("a" in table, "b" in table, "c" in table, table.get("c"), len(table)) == (True, False, True, None, 2)


def test_a_key_that_is_asked_for_again_is_the_newest() -> None:
    async def scene(desk: Desk) -> None:
        for key in ("w", "x", "y"):
            await desk.ask(key)
        await asyncio.sleep(61.0)
        desk.table.shrink()
        desk.table.shrink()
        await desk.ask("w")
        await desk.ask("z")
        for _ in range(4):
            desk.table.shrink()
        assert [desk.lookups.must_wait(key) for key in ("w", "z")] == [False, False]

    assert play(scene, cache=3, negative_ttl=60) == ["w", "x", "y", "w", "z"]


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
        for key in ("a", "b", "c"):
            await desk.ask(key)
        assert [4, 2, 0] == [desk.lookups.shrink() for _ in range(3)]  # as many times as values are dropped
        await desk.ask("a")

    assert ["a", "b", "c", "a"] == play(scene)


def test_the_times_of_no_more_keys_are_kept_than_the_limit_and_those_used_last_stay() -> None:
    async def scene(desk: Desk) -> None:
        for key in ("w", "x", "y"):
            await desk.ask(key)
        assert [desk.lookups.must_wait(key) for key in ("w", "x", "y")] == [False, False, False]
        await desk.ask("z")
        for _ in range(4):
            desk.table.shrink()
        assert [desk.lookups.must_wait(key) for key in ("w", "x", "y", "z")] == [True, False, False, False]

    assert play(scene, cache=3) == ["w", "x", "y", "z"]
