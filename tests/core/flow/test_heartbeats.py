"""Heartbeats: sent at their interval, at most one waiting, with the proofs of each source; a stop is never delayed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from mozu.core.api import Counts, Outcome, Record, Retry
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.flow import heartbeats
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.source_probe import PROBE_SECONDS
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.model.event import DataEvent, Event
from mozu.core.testing import alert
from mozu.core.testing import virtual_clock as virtual_time
from tests.core.flow.making import Seen, alert_pipeline, pipeline_of
from tests.support.packing import packed, room


class Probing:
    """A source whose probe succeeds at once, unless it hangs."""

    def __init__(self) -> None:
        self.pipeline: Any = None
        self.hangs = False
        self.lost = 0

    def counts(self) -> Mapping[str, Counts]:
        return {"openat": Counts(lost=self.lost)}

    def make_probe(self) -> Callable[[Event], bool]:
        if not self.hangs:
            batch = [DataEvent("json", "probe", 0)]
            asyncio.get_running_loop().call_soon(lambda: self.pipeline.process(batch))
        return lambda event: event.type == "probe"


class Silent:
    """A source without a probe."""

    def counts(self) -> Mapping[str, Counts]:
        return {}


class Pump:
    """The parts of a pump that heartbeats and loss accounting use."""

    def __init__(self, name: str, source: Any, metrics: Metrics) -> None:
        self.name = name
        self.pipeline = pipeline_of(
            Isolated("source", name, source, metrics), Seen(), live=True, state=None, metrics=metrics
        )
        source.pipeline = self.pipeline

    def reconcile(self) -> None:
        pass


class Destination:
    """A sink that keeps its records while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.records: list[Record] = []

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        if not self.up:
            return [Retry(0.1)] * len(records)
        self.records += records
        return None

    def stop(self) -> None:
        pass

    def beats(self) -> list[Record]:
        return [record for record in self.records if record.alert.rule == "Heartbeat"]


class Scene:
    """A scene with a source and a sink."""

    def __init__(self, interval: float = 60.0, capacity: int = 100, route: Route = Route()) -> None:  # noqa: B008  frozen
        metrics = Metrics()
        self.source, self.destination = Probing(), Destination()
        sink: Isolated[Any] = Isolated("sink", "siem", self.destination, metrics)
        self.worker = SinkWorker(
            sink, FalcoJson(), MemoryQueue(room(capacity), sink.metrics), agent="host", on_closed=print,
            retry=RetryPolicy(0.1, 0.1, 3), route=route,
        )  # fmt: skip
        self.alerts = alert_pipeline(self.worker, metrics=metrics)
        self.pumps: Any = [Pump("ebpf", self.source, metrics), Pump("kafka", Silent(), metrics)]
        self.losses = LossAccounting(self.alerts, self.pumps, Evaluation([]))
        self.heartbeats = Heartbeats(
            self.alerts, self.pumps, self.losses, metrics, intervals={"siem": interval}, version="1.0",
            rules_digest=lambda: "abc",
        )  # fmt: skip

    def play(self, script: Callable[[], Awaitable[None]]) -> list[Record]:
        """Run heartbeats and deliveries during the script; return the heartbeats that arrived."""

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.worker.run()), group.create_task(self.heartbeats.run())]
                await script()
                for task in tasks:
                    task.cancel()

        virtual_time.run(main())
        return self.destination.beats()


async def ten_minutes() -> None:
    await asyncio.sleep(600.5)


def test_a_heartbeat_comes_at_its_interval_with_all_that_it_carries() -> None:
    scene = Scene()
    scene.source.lost = 3
    scene.losses.report()
    beats = scene.play(ten_minutes)
    assert 11 == len(beats)
    assert {
        "version": "1.0", "interval": 60,
        "sources_passed": "ebpf", "sources_failed": "", "sources_not_checked": "kafka",
        "events_lost": 3, "alerts_dropped": 0, "rules_digest": "abc", "mozu.text": "mozu lives",
    } == beats[0].alert.values  # fmt: skip
    assert ("host", "internal", Severity.INFORMATIONAL) == (
        beats[0].alert.hostname, beats[0].alert.source, beats[0].alert.priority,
    )  # fmt: skip
    assert len({beat.alert.id for beat in beats}) == len(beats)


def test_heartbeats_are_off_unless_they_are_wanted() -> None:
    assert [] == Scene(interval=0).play(ten_minutes)


def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list to which the heartbeat loop's pauses are appended from now on."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        made.append(round(seconds, 3))
        await sleep(seconds)

    monkeypatch.setattr(heartbeats, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": noted}))
    return made


def test_without_an_interval_nothing_wakes_up_until_a_reload_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, made = Scene(interval=0), pauses(monkeypatch)

    async def script() -> None:
        await asyncio.sleep(600)
        assert [] == made
        scene.heartbeats.use({"siem": 60.0})
        await asyncio.sleep(1)
        assert 1 == len(scene.destination.beats())
        scene.heartbeats.use({"siem": 0.0})
        await asyncio.sleep(61)
        made.clear()
        await asyncio.sleep(600)
        assert [] == made

    assert 1 == len(scene.play(script))


def test_the_loop_wakes_up_when_one_is_due_and_each_second_before(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, made = Scene(interval=2.5), pauses(monkeypatch)

    async def script() -> None:
        await asyncio.sleep(4.0)

    scene.play(script)
    assert [1.0, 1.0, 0.5, 1.0, 1.0] == made


def test_the_interval_that_is_sent_is_a_whole_number_of_seconds_and_at_least_one() -> None:
    for interval, shown in ((0.2, 1), (2.6, 3)):

        async def script() -> None:
            await asyncio.sleep(1.0)

        assert shown == Scene(interval=interval).play(script)[0].alert.values["interval"]


def test_they_pass_every_route() -> None:
    assert Scene(route=Route(rules=["nothing"])).play(ten_minutes)


def test_a_source_that_hangs_is_named_and_the_heartbeat_comes_all_the_same() -> None:
    scene = Scene()
    scene.source.hangs = True
    beats = scene.play(ten_minutes)
    assert 10 <= len(beats) <= 11
    assert {("", "ebpf", Severity.CRITICAL)} == {
        (beat.alert.values["sources_passed"], beat.alert.values["sources_failed"], beat.alert.priority)
        for beat in beats
    }


def test_a_heartbeat_has_the_next_number_so_that_a_lost_last_alert_is_a_gap_before_it() -> None:
    scene = Scene()

    async def script() -> None:
        await asyncio.sleep(30)
        scene.worker.accept(packed(alert("the last one")))
        await asyncio.sleep(40)

    scene.play(script)
    assert [("Heartbeat", 1), ("the last one", 2), ("Heartbeat", 3)] == [
        (record.alert.rule, record.stamp.sequence) for record in scene.destination.records
    ]


def test_while_a_destination_is_down_one_waits_and_no_number_is_used_for_others() -> None:
    scene = Scene()

    async def script() -> None:
        await asyncio.sleep(1)
        scene.destination.up = False
        await asyncio.sleep(3600)
        assert 1 == scene.worker.queue.in_memory()
        scene.destination.up = True
        await asyncio.sleep(3)

    beats = scene.play(script)
    assert [1, 2, 3] == [beat.stamp.sequence for beat in beats]  # the one that waited, and a new one at once


def test_another_interval_makes_no_further_one_while_one_waits() -> None:
    scene = Scene()

    async def script() -> None:
        await asyncio.sleep(1)
        scene.destination.up = False
        await asyncio.sleep(100)
        scene.heartbeats.use({"siem": 30.0})
        await asyncio.sleep(3600)
        assert 1 == scene.worker.queue.in_memory()

    scene.play(script)


def test_one_that_a_full_queue_dropped_does_not_end_them() -> None:
    scene = Scene(capacity=1)

    async def script() -> None:
        await asyncio.sleep(1)
        scene.worker.heartbeat._id = "dropped"  # as if the queue had dropped it
        for _ in range(10):
            scene.worker.accept(packed(alert()))
            await asyncio.sleep(60)

    assert 3 <= len(scene.play(script))


def test_nothing_waits_for_a_probe_under_way() -> None:
    scene = Scene()
    scene.source.hangs = True

    async def script() -> None:
        await asyncio.sleep(PROBE_SECONDS / 2)

    assert [] == scene.play(script)  # `play` cancels, and returns at once: the virtual clock would be stuck otherwise
