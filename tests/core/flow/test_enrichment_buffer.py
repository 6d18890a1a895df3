import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from mozu.core.api import LookupLimits
from mozu.core.flow import enrichment_buffer
from mozu.core.flow.enrichment_buffer import EnrichmentBuffer, EnrichmentBufferBounds
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from tests.core.flow.making import wanted


class Catalogue:
    """An enricher whose answers the test sets by hand."""

    def __init__(self) -> None:
        self.answers: dict[str, asyncio.Event] = {}
        self.known_keys: set[str] = set()

    async def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        key = event.type.partition(":")[0]
        return None if key == "host" else key

    def known(self, key: str) -> bool:
        return key in self.known_keys

    async def resolve(self, key: str) -> None:
        await self.answers.setdefault(key, asyncio.Event()).wait()
        self.known_keys.add(key)

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        return {}

    async def stop(self) -> None:
        pass

    def answer(self, key: str) -> None:
        self.answers.setdefault(key, asyncio.Event()).set()


class Silent(Catalogue):
    """An enricher that has no key for any event."""

    def key(self, event: Event) -> str | None:
        return None


class Forgetful(Catalogue):
    """An enricher that knows no key, whatever it finds."""

    def known(self, key: str) -> bool:
        return False


class Scene:
    """An enrichment buffer, its enricher, and its output: `name`, or `name?` if evaluated without an answer."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        catalogue: Catalogue | None = None,
        others: Sequence[Isolated[Any]] = (),
        limits: LookupLimits | None = None,
        **bounds: Any,
    ) -> None:
        """Make the scene; `others` are enrichers that are asked first."""
        self.catalogue, self.out, self._group = catalogue or Catalogue(), list[str](), group
        self.metrics = Metrics()
        isolated = [*others, Isolated("enricher", "catalogue", self.catalogue, Metrics())]
        self.buffer = EnrichmentBuffer(
            wanted(isolated, self._spawn, limits), EnrichmentBufferBounds(**bounds), self._released, self.metrics
        )
        self._number = 0

    def _spawn(self, work: Awaitable[None], name: str) -> None:
        async def do() -> None:
            await work

        self._group.create_task(do())

    def _released(self, events: Sequence[Event], unknown: tuple[str, ...]) -> None:
        self.out += [event.type + ("?" if unknown else "") for event in events]

    def send(self, *names: str) -> None:
        events = []
        for name in names:
            self._number += 1
            events.append(DataEvent("json", name, 0, self._number))
        self.out += [event.type for event in self.buffer.admit(events)]


def play(scenario: Callable[[Scene], Awaitable[None]], **bounds: Any) -> list[str]:
    async def run() -> list[str]:
        async with asyncio.TaskGroup() as group:
            scene = Scene(group, **bounds)
            await scenario(scene)
            for key in ("a", "b"):
                scene.catalogue.answer(key)
        return scene.out

    return asyncio.run(run())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_events_of_an_unknown_container_wait_and_others_pass() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1", "host:1", "a:2")
        await settle()
        scene.catalogue.answer("a")
        await settle()
        scene.send("a:3")

    assert ["host:1", "a:1", "a:2", "a:3"] == play(scenario)


def test_an_event_never_overtakes_one_of_its_own_key() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        await settle()
        scene.catalogue.known_keys.add("a")
        scene.send("a:2")
        await settle()
        scene.catalogue.answer("a")
        await settle()

    assert ["a:1", "a:2"] == play(scenario)


def test_at_the_deadline_events_are_evaluated_without_and_later_ones_do_not_wait_again() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        while not scene.out:
            await asyncio.sleep(0)
        scene.send("a:2")

    assert ["a:1?", "a:2"] == play(scenario, seconds=0.0)


@pytest.mark.parametrize(("seconds", "waits"), [(0.001, 3), (0.0, 0)])
def test_a_deadline_is_put_off_by_what_was_waited_for_a_cpu_unless_no_event_waits(
    monkeypatch: pytest.MonkeyPatch, seconds: float, waits: int
) -> None:
    granted = [0.001] * 3

    class Starved:
        def take(self) -> float:
            return granted.pop() if granted else 0.0

    monkeypatch.setattr(enrichment_buffer, "ExtraTime", Starved)

    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        while not scene.out:
            await asyncio.sleep(0)

    assert ["a:1?"] == play(scenario, seconds=seconds)
    assert waits == 3 - len(granted)


def test_the_number_of_waiting_events_is_bounded_and_the_key_with_the_most_goes_first() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1", "b:1", "b:2")
        await settle()

    assert ["b:1?", "b:2?", "a:1"] == play(scenario, events=2)


def test_the_bytes_of_waiting_events_are_bounded() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1")

    assert ["a:1?"] == play(scenario, bytes=100)


def test_the_oldest_waiting_number_is_known_so_that_its_versions_are_kept() -> None:
    seen: list[int | None] = []

    async def scenario(scene: Scene) -> None:
        scene.send("host:1", "a:2", "b:3")
        seen.append(scene.buffer.oldest())
        scene.catalogue.answer("a")
        scene.catalogue.answer("b")
        await settle()
        seen.append(scene.buffer.oldest())

    play(scenario)
    assert [2, None] == seen


def test_bytes_and_number_of_released_events_are_given_back() -> None:
    async def scenario(scene: Scene) -> None:
        for number in range(5):
            scene.catalogue.known_keys.discard("a")
            scene.catalogue.answers.pop("a", None)
            scene.send(f"a:{number}")
            await settle()
            scene.catalogue.answer("a")
            await settle()
        assert (0, 0) == (scene.buffer._count, scene.buffer._bytes)

    assert [f"a:{number}" for number in range(5)] == play(scenario, bytes=1_100, events=2)


def test_every_event_that_waited_is_counted_by_how_long_it_did() -> None:
    counted: list[dict[str, float]] = []

    async def scenario(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "time", lambda: now)
            scene.send("a:1", "a:2")
            patch.setattr(loop, "time", lambda: now + 0.03)
            scene.send("a:3")
            scene.buffer.flush()
        name = "enrichment_buffer_released_total"
        found = [(labels, value) for kind, labels, value in scene.metrics.collect() if kind == name]
        counted.append({labels["within"]: value for labels, value in found if value})

    play(scenario, seconds=9.0)
    assert [{"0.001": 1, "0.05": 2}] == counted


def test_what_waits_counts_with_its_texts_until_it_is_released() -> None:
    async def scenario(scene: Scene) -> None:
        event = SyscallEvent("syscall", "a:1", 0, num=1)
        event.args = ("x" * 300, b"y" * 200, 5)
        assert [] == scene.buffer.admit([event])
        assert (1, 1_000) == (scene.buffer._count, scene.buffer._bytes)
        scene.buffer.flush()
        assert (0, 0) == (scene.buffer._count, scene.buffer._bytes)

    assert ["a:1?"] == play(scenario)


def test_waiting_events_may_have_as_many_bytes_as_the_bound_together() -> None:
    held: list[int] = []

    async def scenario(scene: Scene) -> None:
        for number in range(3):
            scene.send(f"a:{number}")
            held.append(scene.buffer._count)

    assert ["a:0?", "a:1?", "a:2?"] == play(scenario, bytes=1_000)
    assert [1, 2, 0] == held


def test_what_waits_for_an_enricher_that_a_reload_removes_is_evaluated_without_it_and_the_rest_waits_on() -> None:
    async def scenario(scene: Scene) -> None:
        wanted_before = scene.buffer._wanted
        scene.send("a:1", "a:2")
        await settle()
        scene.buffer.use(EnrichmentBufferBounds())
        assert scene.out == []
        wanted_before.use(())
        scene.buffer.use(EnrichmentBufferBounds())
        assert scene.out == ["a:1?", "a:2?"]
        scene.send("a:3")

    assert ["a:1?", "a:2?", "a:3"] == play(scenario)


def test_where_memory_is_short_the_keys_that_have_waited_longest_go_until_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enrichment_buffer, "_SHRINK_EVENTS", 4)
    released: list[int] = []

    async def scenario(scene: Scene) -> None:
        scene.send("a:1", "b:1", "a:2", "b:2", "a:3", "b:3", "a:4")
        await settle()
        released.extend(scene.buffer.shrink() for _ in range(3))

    assert ["a:1?", "a:2?", "a:3?", "a:4?", "b:1?", "b:2?", "b:3?"] == play(scenario)
    assert [4, 3, 0] == released


def test_a_key_that_was_not_found_in_time_is_waited_for_again_after_its_look_up_has_ended() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        while not scene.out:
            await asyncio.sleep(0)
        scene.send("a:2")
        assert scene.out == ["a:1?", "a:2"]
        scene.catalogue.answer("a")
        await settle()
        scene.catalogue.answers.clear()
        scene.send("a:3")
        assert scene.out == ["a:1?", "a:2"]
        scene.buffer.flush()

    found = play(scenario, catalogue=Forgetful(), limits=LookupLimits(negative_ttl=0.0), seconds=0.0)
    assert found == ["a:1?", "a:2", "a:3?"]


def test_a_reload_keeps_which_keys_are_not_waited_for() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        while not scene.out:
            await asyncio.sleep(0)
        scene.buffer.use(EnrichmentBufferBounds())
        scene.send("a:2", "b:1")
        await settle()
        assert scene.out == ["a:1?", "a:2"]

    assert play(scenario, seconds=0.0) == ["a:1?", "a:2", "b:1"]


def test_an_event_waits_for_the_first_enricher_that_has_a_key_for_it() -> None:
    async def scenario(scene: Scene) -> None:
        scene.send("a:1", "host:1")
        await settle()
        scene.catalogue.answer("a")
        await settle()

    assert play(scenario, others=[Isolated("enricher", "silent", Silent(), Metrics())]) == ["host:1", "a:1"]


def test_how_long_events_were_held_has_no_bound_and_how_many_are_held_is_a_metric(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[dict[str, float]] = []

    async def scenario(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        with monkeypatch.context() as patch:
            for seconds, name in ((0.0, "a:1"), (70.0, "b:1")):
                patch.setattr(loop, "time", lambda seconds=seconds: now + seconds)
                scene.send(name)
            found.append({name: value for name, labels, value in scene.metrics.collect() if not labels})
            patch.setattr(loop, "time", lambda: now + 100.0)
            scene.buffer.flush()
        found.append(
            {labels["within"]: value for _, labels, value in scene.metrics.collect() if "within" in labels and value}
        )

    play(scenario, seconds=9.0)
    counted = {
        "enrichment_buffer_events": 2, "enrichment_buffer_events_total": 2, "enrichment_buffer_timeouts_total": 0
    }  # fmt: skip
    assert [counted, {"60.0": 2}] == found


def test_events_that_no_longer_wait_for_a_late_answer_are_known_by_their_numbers() -> None:
    marked: list[dict[int, tuple[str, ...]]] = []

    async def scenario(scene: Scene) -> None:
        scene.send("a:1")
        while not scene.out:
            await asyncio.sleep(0)
        scene.send("a:2", "host:3")
        marked.append({number: scene.buffer.unanswered.get(number, ()) for number in (2, 3)})

    play(scenario, seconds=0.01)
    assert [{2: ("catalogue",), 3: ()}] == marked
