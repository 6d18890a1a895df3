"""The source pump: backpressure, restart with back-off, acknowledgement, and the processes that a start takes in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from mozu.core.api import Counts
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.source_pump import PumpedSource, SourcePump
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import DataEvent, Event
from mozu.core.testing import alert
from mozu.core.testing import virtual_clock as virtual_time
from tests.core.flow.making import Seen, alert_pipeline, pipeline_of
from tests.support.packing import room

LIMIT = 30.0


class Worker:
    """A sink worker with a real queue, which only the test empties."""

    name = "worker"

    def __init__(self, capacity: int) -> None:
        self.queue = MemoryQueue(room(capacity), Metrics())

    def accept(self, item: PackedAlert) -> None:
        self.queue.put(item)


class Batches:
    """A source of these batches, which raises those that are exceptions."""

    def __init__(self, *batches: int | BaseException) -> None:
        self._batches = list(batches)
        self.given = 0
        self.started: list[float] = []
        self.stopped = 0

    async def start(self, demand: Demand) -> None:
        self.started.append(asyncio.get_running_loop().time())

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        while self._batches:
            batch = self._batches.pop(0)
            if isinstance(batch, BaseException):
                raise batch
            self.given += batch
            yield [DataEvent("json", "number", 0) for _ in range(batch)]

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        self.stopped += 1


class Acked(Batches):
    """A source that keeps a position."""

    def __init__(self, worker: Worker, *batches: int | BaseException) -> None:
        super().__init__(*batches)
        self._worker = worker
        self.acked: list[tuple[int, int]] = []

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        self.acked.append((len(batch), self._worker.queue.in_memory()))


def judged(event: Event) -> Sequence[Alert]:
    return [alert()]


def pump_of(source: Any, worker: Worker, *, live: bool, build: Callable[[], Any], **more: Any) -> SourcePump:
    metrics = Metrics()
    isolated = Isolated("source", "made", source, metrics, build=build)
    pipeline = pipeline_of(isolated, Seen(judged), live=live, state=None, metrics=metrics, worker=worker)
    alerts = alert_pipeline(worker, metrics=metrics)
    pumped = PumpedSource("made", pipeline)
    if more.pop("ends"):
        pumped = msgspec.structs.replace(pumped, ends=True)
    return SourcePump(iter([pumped]), alerts, **{"demand": Demand, **more})


def play(
    source: Any,
    worker: Worker,
    *,
    live: bool,
    beside: Callable[[], Any] | None = None,
    build: Callable[[], Any] | None = None,
    **more: Any,
) -> SourcePump:
    """Run the pump to its end, beside a call of `beside`. `build` makes further instances: the same one if not given.
    """

    async def main() -> SourcePump:
        settings = {"stopping": asyncio.Event(), "ends": True, **more}
        pump = pump_of(source, worker, live=live, build=build or (lambda: source), **settings)
        async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
            group.create_task(pump.run())
            if beside is not None:
                group.create_task(beside())
        return pump

    return virtual_time.run(main())


async def empty(worker: Worker, many: int) -> None:
    """Take and acknowledge alerts one at a time, as a sink does."""
    for _ in range(many):
        ((number, _),) = await worker.queue.get(1)
        await worker.queue.ack([number], [], [])


def test_a_source_that_can_wait_is_read_no_further_while_a_queue_is_more_than_half_full() -> None:
    source, worker = Batches(*[5] * 20), Worker(10)
    seen: list[int] = []

    async def slowly() -> None:
        for _ in range(100):
            for _ in range(10):
                await asyncio.sleep(0)
            seen.append(source.given - len(seen))
            await empty(worker, 1)

    play(source, worker, live=False, beside=slowly)
    assert (100, 0) == (source.given, worker.queue.in_memory())
    assert max(seen) <= 10


def test_while_the_gate_is_closed_a_source_that_can_wait_is_read_on_once_its_alerts_have_arrived() -> None:
    source, worker, gate = Batches(*[1] * 5), Worker(100), EventGate()
    gate.is_closed = True
    ahead: list[int] = []

    async def slowly() -> None:
        for taken in range(5):
            await asyncio.sleep(1.0)
            ahead.append(source.given - taken)
            await empty(worker, 1)

    play(source, worker, live=False, beside=slowly, gate=gate)
    assert [1] * 5 == ahead


def test_a_live_source_is_never_held_back_and_a_full_queue_drops() -> None:
    source, worker = Batches(*[5] * 20), Worker(10)
    play(source, worker, live=True)
    assert (100, 10) == (source.given, worker.queue.in_memory())
    (dropped,) = worker.queue.take_dropped()
    assert (11, 100) == (dropped.first, dropped.last)


def test_a_batch_is_acknowledged_once_none_of_its_alerts_can_be_lost() -> None:
    worker = Worker(100)
    source = Acked(worker, 3, 2)

    async def slowly() -> None:
        await asyncio.sleep(1.0)  # on the virtual clock: a source that does not wait is far ahead
        await empty(worker, 3)
        await asyncio.sleep(1.0)  # the same for the second batch
        await empty(worker, 2)

    play(source, worker, live=False, beside=slowly)
    assert [(3, 0), (2, 0)] == source.acked


def test_a_live_source_that_fails_is_built_and_started_again_with_growing_back_off() -> None:
    first = Batches(OSError("gone"))
    others = [Batches(OSError("gone")), Batches(1, OSError("gone")), Batches(1)]
    later = list(others)
    pump = play(first, Worker(100), live=True, build=lambda: later.pop(0))
    assert [[], [1.0], [3.0], [4.0]] == [one.started for one in (first, *others)]
    assert [1, 1, 1, 0] == [one.stopped for one in (first, *others)]
    assert not pump.failed


def test_a_live_source_that_ends_by_itself_is_an_alert_and_starts_again() -> None:
    worker, stopping = Worker(100), asyncio.Event()
    second = Batches()
    build = iter((second,))

    def last() -> Any:
        stopping.set()
        return next(build)

    play(Batches(), worker, live=True, build=last, stopping=stopping, ends=False)
    ((_, found),) = virtual_time.run(worker.queue.get(10))
    notice = unpack(found)
    assert ("Source ended", "source made ended by itself") == (notice.rule, notice.message()[:27])


def test_nothing_is_started_again_once_the_stop_has_begun() -> None:
    stopping = asyncio.Event()
    source = Batches(OSError("gone"))
    built: list[Batches] = []

    def build() -> Batches:
        built.append(source)
        return source

    async def stop() -> None:
        await asyncio.sleep(0.5)
        stopping.set()

    play(source, Worker(100), live=True, stopping=stopping, beside=stop, build=build)
    assert ([], 1, []) == (source.started, source.stopped, built)


def test_an_instance_that_starts_while_the_stop_begins_is_stopped() -> None:
    stopping = asyncio.Event()

    class Slow(Batches):
        async def start(self, demand: Demand) -> None:
            stopping.set()

    slow = Slow(1)

    async def main() -> None:
        failing, worker = Batches(OSError("gone")), Worker(100)
        pump = pump_of(failing, worker, live=True, build=lambda: slow, ends=True, stopping=stopping)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump.run())
            await stopping.wait()
            await pump.stop(1.0)

    virtual_time.run(main())
    assert 1 == slow.stopped


def test_an_optional_source_that_cannot_start_is_tried_again() -> None:
    class Broken(Batches):
        async def start(self, demand: Demand) -> None:
            raise ValueError("no")

    good = Batches(3)
    play(Broken(), Worker(100), live=True, optional=True, build=lambda: good)
    assert 3 == good.given


def test_a_source_that_starts_while_rules_change_gets_the_new_demand() -> None:
    before, after = Demand(), Demand({"json": {"*": Interest()}})
    wanted, updates = [before], list[Demand]()

    class Reloaded(Batches):
        async def start(self, demand: Demand) -> None:
            wanted.append(after)
            await pump.update(after)

        async def update(self, demand: Demand) -> None:
            updates.append(demand)

    async def main() -> None:
        async with asyncio.timeout(LIMIT):
            await pump.run()

    source = Reloaded(1)
    pump = pump_of(
        source, Worker(100), live=True, build=lambda: source, ends=True, optional=True, stopping=asyncio.Event(),
        demand=lambda: wanted[-1],
    )  # fmt: skip
    virtual_time.run(main())
    assert [after] == updates


class Wrong(Batches):
    """A source whose batches or events are invalid."""

    def __init__(self, *things: Any) -> None:
        super().__init__()
        self._things = things

    async def batches(self) -> AsyncIterator[Any]:
        for thing in self._things:
            yield thing


@pytest.mark.parametrize("live", [True, False])
def test_what_is_no_event_is_rejected_and_costs_nothing_else(live: bool) -> None:
    good = DataEvent("json", "number", 0)
    things: list[Any] = [None, 7, "text", [good, None, object()], [DataEvent("json", "number", "now")], [good]]  # type: ignore[arg-type]  # a plugin without types may give it
    pump = play(Wrong(*things), Worker(100), live=live)
    pipeline = pump.pipeline
    assert (5, 3, 2) == (pipeline.received.value, pipeline.rejected.value, pipeline.evaluated.value)
    assert 6 == pipeline.source.failures.value


@pytest.mark.parametrize("end", [SystemExit(), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
def test_a_source_that_raises_what_ends_programs_fails_like_any_other(
    end: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mozu.core.isolation.ends.is_by_signal", lambda: False)
    good = Batches(3)
    play(Batches(end), Worker(100), live=True, build=lambda: good)
    assert 3 == good.given


@pytest.mark.parametrize(("live", "error"), [(False, OSError("gone")), (True, SourceBroken("garbage"))])
def test_what_cannot_be_read_on_ends_the_pump_as_failed(live: bool, error: Exception) -> None:
    pump = play(Batches(error, 1), Worker(100), live=live)
    assert pump.failed


class Refusing(Batches):
    """A source that this machine does not allow to start."""

    async def start(self, demand: Demand) -> None:
        raise SourceUnavailable("source refusing: this process lacks CAP_BPF; run mozu as root")


class Limited(Batches):
    """A source that reports its limits."""

    def limits(self) -> Sequence[str]:
        return ["requests of io_uring", "2 processes"]


def pump_of_choice(worker: Worker, *sources: Any) -> tuple[SourcePump, list[str]]:
    """Return a pump over alternatives, and the names of those that were built."""
    metrics, built = Metrics(), []

    def alternatives() -> Iterator[PumpedSource]:
        for source in sources:
            built.append(type(source).__name__)
            isolated = Isolated("source", "calls", source, metrics)
            pipeline = pipeline_of(isolated, Seen(judged), live=True, state=None, metrics=metrics, worker=worker)
            yield PumpedSource(type(source).__name__.lower(), pipeline)

    alerts = alert_pipeline(worker, metrics=metrics)
    return SourcePump(alternatives(), alerts, demand=Demand, stopping=asyncio.Event()), built


def test_where_a_source_cannot_start_the_next_one_does_and_an_alert_says_why_and_what_is_not_seen() -> None:
    worker = Worker(10)
    pump, built = pump_of_choice(worker, Refusing(), Limited(3))

    asyncio.run(pump.start(Demand()))

    ((_, found),) = asyncio.run(worker.queue.get(10))
    notice = unpack(found)
    reason = "refusing cannot start (this process lacks CAP_BPF; run mozu as root)"
    assert ("limited", "calls (limited)", ["Refusing", "Limited"]) == (pump.plugin, pump.title, built)
    assert ("Source fallback", "internal", Severity.WARNING) == (notice.rule, notice.source, notice.priority)
    assert notice.values == {
        "evt_source": "calls", "plugin": "limited", "reason": reason,
        "not_seen": "requests of io_uring, 2 processes", "mozu.text": notice.message(),
    }  # fmt: skip
    assert reason in notice.message()


def test_the_best_source_that_starts_is_taken_without_a_word_and_no_other_is_built() -> None:
    worker = Worker(10)
    pump, built = pump_of_choice(worker, Batches(1), Limited())

    asyncio.run(pump.start(Demand()))

    assert (["Batches"], {}, 0) == (built, pump.refused, worker.queue.in_memory())


def test_where_no_alternative_can_start_the_error_says_why_of_each() -> None:
    pump, _ = pump_of_choice(Worker(10), Refusing(), Refusing())

    with pytest.raises(SourceUnavailable, match=r"^source calls: refusing cannot start \(.*run mozu as root\)$"):
        asyncio.run(pump.start(Demand()))


def test_a_source_without_alternatives_says_itself_why_it_cannot_start() -> None:
    pump, _ = pump_of_choice(Worker(10), Refusing())

    with pytest.raises(SourceUnavailable, match=r"^source refusing: this process lacks CAP_BPF; run mozu as root$"):
        asyncio.run(pump.start(Demand()))


class Counted(Batches):
    """A source that has seen two more events than it delivers, one of which was lost."""

    def counts(self) -> Mapping[str, Counts]:
        return {"openat": Counts(seen=self.given + 2, lost=1, received=self.given)}


def test_the_counts_of_all_instances_add_up_while_one_is_awaited_and_at_the_end() -> None:
    instances, seen = [Counted(5, OSError("lost its place"))], list[tuple[float, Counts]]()
    worker = Worker(100)

    def build() -> Counted:
        instances.append(Counted(3))
        return instances[-1]

    async def main() -> Counts:
        pump = pump_of(instances[0], worker, live=True, build=build, ends=True, stopping=asyncio.Event())

        async def watch() -> None:
            for _ in range(20):
                await asyncio.sleep(0.1)
                seen.append((asyncio.get_running_loop().time(), pump.pipeline.counts.now()["openat"]))

        async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
            group.create_task(pump.run())
            group.create_task(watch())
        return pump.pipeline.counts.now()["openat"]

    last = virtual_time.run(main())
    assert [Counts(seen=7, lost=2, received=5)] * 9 == [count for at, count in seen if at < 0.95]
    assert Counts(seen=12, lost=4, received=8) == last
