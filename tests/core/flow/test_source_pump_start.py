"""The start of a source: the processes taken in, the effect of new rules, and the slices in which batches are
processed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import pytest

from mozu.core.api import Counts
from mozu.core.delivery.packed_alert import unpack
from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.source_pump import PumpedSource, SourcePump
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import DataEvent, Event
from mozu.core.state import StateMachine
from mozu.core.testing import virtual_clock
from tests.core.flow.making import Seen, alert_pipeline, pipeline_of
from tests.core.flow.test_source_pump import Acked, Batches, Worker
from tests.core.state.story import NOWHERE


class Machine(StateMachine):
    """A state machine that records how it is configured and seeded."""

    def __init__(self) -> None:
        super().__init__(procfs=NOWHERE)
        self.calls: list[object] = []

    def configure(self, *, environments: bool) -> None:
        self.calls.append(f"environments {environments}")

    def seeding(self, pids: Iterable[int] | None = None, /, *, files: bool = True) -> Iterator[int]:
        self.calls.append(None if pids is None else list(pids))
        yield from (50, 100, 120)


class Reconciling:
    """A reconciler that counts its calls."""

    def __init__(self) -> None:
        self.asked = 0

    def lost(self) -> None:
        self.asked += 1


class Observing(Batches):
    """A source that observes some processes only."""

    def observed_pids(self) -> Sequence[int]:
        return [7, 8]


def needing(*needs: str) -> Demand:
    return Demand({"syscall": {"openat": Interest(frozenset(needs))}})


class Scene:
    """A pump with the test's state and reconciler."""

    def __init__(
        self, source: Any, *, live: bool = True, second: Any = None, machine: Machine | None = None, **more: Any
    ) -> None:
        """Make the scene; `second` is the further instance, the same one if not given."""
        metrics = Metrics()
        self.machine, self.reconciler, self.worker = machine or Machine(), Reconciling(), Worker(100)
        isolated: Isolated[Any] = Isolated("source", "made", source, metrics, build=lambda: second or source)
        self.seen = Seen()
        self.pipeline = pipeline_of(
            isolated, self.seen, live=live, state=self.machine, metrics=metrics, worker=self.worker
        )
        reconciler: Any = self.reconciler
        self.prepared: list[Any] = []
        pumped = PumpedSource("made", self.pipeline, reconciler, prepare=self.prepared.append, ends=True)
        alerts = alert_pipeline(self.worker, metrics=metrics)
        self.pump = SourcePump(iter([pumped]), alerts, **{"demand": needing, "stopping": asyncio.Event(), **more})

    def start(self, demand: Demand) -> None:
        virtual_clock.run(self.pump.start(demand))

    def run(self) -> None:
        async def main() -> None:
            async with asyncio.timeout(60.0):
                await self.pump.run()

        virtual_clock.run(main())


@pytest.mark.parametrize(
    ("source", "needs", "calls", "compared"),
    [
        (Batches(), (), ["environments False", None], 0),
        (Batches(), ("env",), ["environments True", None], 0),
        (Observing(), ("threads",), ["environments False", [7, 8]], 1),
    ],
)
def test_the_first_start_takes_in_what_is_there(
    source: Any, needs: Sequence[str], calls: list[object], compared: int
) -> None:
    scene = Scene(source)
    scene.start(needing(*needs))
    assert (calls, compared, True) == (scene.machine.calls, scene.reconciler.asked, scene.pump.started.is_set())


def test_other_tasks_run_between_slices_of_what_is_there() -> None:
    """Check because reading a few hundred processes takes longer than the event loop may be held."""
    order: list[object] = []

    class Sliced(Machine):
        def seeding(self, pids: Iterable[int] | None = None, /, *, files: bool = True) -> Iterator[int]:
            for count in super().seeding(pids, files=files):
                order.append(count)
                asyncio.get_running_loop().call_soon(order.append, "another")
                yield count

    Scene(Batches(), machine=Sliced()).start(needing("env"))
    assert [50, "another", 100, "another", 120, "another"] == order


def test_a_further_start_has_what_happened_meanwhile_compared_and_takes_in_nothing_again() -> None:
    scene = Scene(Batches())
    scene.start(needing("env"))
    scene.start(needing("env"))
    assert (["environments True", None], 1) == (scene.machine.calls, scene.reconciler.asked)


def test_a_source_that_is_not_live_takes_in_nothing() -> None:
    scene = Scene(Batches(), live=False)
    scene.start(needing("env", "threads"))
    assert ([], 0) == (scene.machine.calls, scene.reconciler.asked)


class Updated(Batches):
    """A source that keeps the demands given while it runs, and accepts only those that need nothing of the environment.
    """

    def __init__(self, *batches: int | BaseException) -> None:
        super().__init__(*batches)
        self.demands: list[Demand] = []

    async def update(self, demand: Demand) -> None:
        self.demands.append(demand)
        if "env" in demand.state_dependencies("syscall"):
            raise ValueError("no environments here")


def test_new_rules_reach_the_state_and_the_source_and_what_it_refuses_is_said() -> None:
    source = Updated()
    scene = Scene(source)
    scene.start(needing())
    scene.machine.calls.clear()
    plain, env = needing(), needing("env")
    said = [virtual_clock.run(scene.pump.update(demand)) for demand in (plain, env)]
    assert ["environments False", "environments True"] == scene.machine.calls
    assert [plain, env] == source.demands
    assert "" == said[0]
    assert "no environments here" in said[1]


def test_a_source_that_does_not_run_is_given_new_rules_at_its_next_start() -> None:
    source = Updated()
    scene = Scene(source, optional=True)
    assert "" == virtual_clock.run(scene.pump.update(needing()))
    assert [] == source.demands
    virtual_clock.run(scene.pump.start(needing()))
    virtual_clock.run(scene.pump.update(needing()))
    assert 1 == len(source.demands)
    scene.pump._problem = OSError("gone")
    virtual_clock.run(scene.pump.update(needing()))
    assert 1 == len(source.demands)
    assert "gone" in scene.pump.problem


def test_a_source_that_starts_again_gets_the_rules_of_now_with_its_start_only() -> None:
    second = Updated(1)
    Scene(Failing(), second=second).run()
    assert ([1.0], []) == (second.started, second.demands)


def test_a_stop_waits_for_the_start_that_it_breaks_off() -> None:
    order: list[str] = []

    class Slow(Batches):
        async def start(self, demand: Demand) -> None:
            order.append("start")
            try:
                await asyncio.sleep(10.0)  # on the virtual clock: the source is still starting at the stop
            finally:
                order.append("broken off")

        async def stop(self) -> None:
            order.append("stop")

    async def main() -> None:
        stopping = asyncio.Event()
        pump = Scene(Slow(), optional=True, stopping=stopping).pump
        async with asyncio.TaskGroup() as group:
            group.create_task(pump.run())
            await asyncio.sleep(0.1)  # on the virtual clock: the start is under way
            stopping.set()
            await pump.stop(1.0)

    virtual_clock.run(main())
    assert ["start", "broken off", "stop"] == order


class Counting(Batches):
    """A source that has seen this many events."""

    def __init__(self, seen: int) -> None:
        super().__init__()
        self._seen = seen

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        yield []
        if self._seen > 1:
            raise OSError("gone")

    def counts(self) -> dict[str, Counts]:
        return {"number": Counts(seen=self._seen)}


def test_what_an_instance_has_counted_is_kept_when_another_takes_its_place() -> None:
    scene = Scene(Counting(20), second=Counting(1))
    scene.run()
    assert 21 == scene.pipeline.counts.now()["number"].seen


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (FileNotFoundError(2, "No such file or directory", "/proc/1/stat"), "; is /proc mounted?"),
        (PermissionError(13, "Permission denied", "/sys/kernel/btf"), ""),
        (ValueError("wrong"), ""),
    ],
)
def test_whatever_keeps_a_source_from_starting_is_said(error: Exception, hint: str) -> None:
    class Broken(Batches):
        async def start(self, demand: Demand) -> None:
            raise error

    with pytest.raises(SourceUnavailable) as raised:
        Scene(Broken()).start(needing())
    text = str(raised.value)
    assert text.startswith("source made cannot start: ")
    assert text.endswith("; is /proc mounted?") is bool(hint)
    assert str(error.args[-1]) in text


class Sized(Batches):
    """A source that delivers batches of these sizes."""

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        for number in self._batches:
            assert isinstance(number, int)
            yield [DataEvent("json", "number", 0) for _ in range(number)]


@pytest.mark.parametrize(("live", "pieces"), [(True, [2_000, 2_000, 1, 3]), (False, [500] * 8 + [1, 3])])
def test_batches_are_processed_in_pieces_between_which_others_have_the_loop(
    live: bool, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, found = Scene(Sized(4_001, 0, 3), live=live), list[int]()
    process = scene.pipeline.process
    order: list[str] = []

    def noted(batch: Sequence[Event], *more: Any) -> None:
        found.append(len(batch))
        order.append("piece")
        process(batch, *more)

    async def others() -> None:
        while True:
            order.append("others")
            await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.ensure_future(others())
        await scene.pump.run()
        task.cancel()

    monkeypatch.setattr(scene.pipeline, "process", noted)
    virtual_clock.run(main())
    assert pieces == found
    assert 4_004 == len(scene.seen.events)
    assert "piece piece" not in " ".join(order)


def test_after_each_piece_a_source_that_can_wait_is_read_on_once_that_is_evaluated_and_recorded() -> None:
    scene, order = Scene(Sized(1_200), live=False), list[str]()

    async def evaluated() -> None:
        order.append("evaluated")

    async def recorded() -> None:
        order.append(f"recorded {len(scene.seen.events)}")

    scene.pipeline.wait_evaluated = evaluated  # type: ignore[method-assign]  # writes down that it was awaited
    scene.pipeline.wait_recorded = recorded  # type: ignore[method-assign]  # the same
    scene.run()
    assert ["evaluated", "recorded 500", "evaluated", "recorded 1000", "evaluated", "recorded 1200"] == order


def test_a_batch_in_pieces_is_acknowledged_once() -> None:
    worker = Worker(2_000)
    source = Acked(worker, 1_200)
    scene = Scene(source, live=False)
    source._worker = scene.worker
    scene.run()
    assert [(1_200, 0)] == source.acked


class Failing(Batches):
    """A source of documents that breaks off."""

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        yield [DataEvent("json", "number", 0)]
        raise OSError("the file ends here")


def test_batches_that_are_not_read_to_their_end_go_through_their_finally() -> None:
    ends: list[str] = []

    class Answering(Batches):
        async def batches(self) -> AsyncIterator[Sequence[Event]]:
            try:
                yield [DataEvent("json", "number", 0)]
            finally:
                await asyncio.sleep(0)  # the source's end takes a turn of the loop
                ends.append("answered")

    async def main() -> None:
        scene = Scene(Answering(), live=False)
        reading, read_on = asyncio.Event(), asyncio.Event()

        async def never() -> None:
            reading.set()
            await read_on.wait()

        scene.pipeline.wait_recorded = never  # type: ignore[method-assign]  # recordings that do not catch up
        task = asyncio.ensure_future(scene.pump.run())
        await reading.wait()
        task.cancel()
        await asyncio.wait([task])
        assert ["answered"] == ends

    virtual_clock.run(main())


@pytest.mark.parametrize("things", [(None, 7, "text"), ([], [], [])])
def test_between_two_things_that_hold_no_event_others_have_the_loop_and_no_time_passes(things: Sequence[Any]) -> None:
    order, times = list[str](), set[float]()

    class Empty(Batches):
        async def batches(self) -> AsyncIterator[Any]:
            for thing in things:
                order.append("thing")
                times.add(asyncio.get_running_loop().time())
                yield thing

    async def others() -> None:
        for _ in range(20):
            order.append("others")
            await asyncio.sleep(0)  # gives the loop back

    async def main() -> None:
        await asyncio.gather(Scene(Empty()).pump.run(), others())

    virtual_clock.run(main())
    assert 3 == order.count("thing")
    assert "thing thing" not in " ".join(order)
    assert 1 == len(times)


def test_the_alert_of_a_failure_says_why_and_when_it_goes_on() -> None:
    first, second = Failing(), Batches()
    scene = Scene(first, second=second)
    scene.run()
    assert [second] == scene.prepared, "as each instance is before its start; the first one was started already"
    assert second.started == [1.0]
    notices = virtual_clock.run(scene.worker.queue.get(10))
    (notice,) = [unpack(packed) for _, packed in notices]
    assert ("Source failed", "made") == (notice.rule, notice.values["evt_source"])
    assert "the file ends here" in str(notice.values["error"])
    assert notice.message() == "source made failed and starts again in 1 s: what happens meanwhile is not seen"


@pytest.mark.parametrize(("live", "error"), [(False, OSError("gone")), (True, SourceBroken("gone"))])
def test_a_source_that_is_not_started_again_leaves_an_alert_that_says_so(live: bool, error: Exception) -> None:
    scene = Scene(Batches(error), live=live)
    scene.run()
    ((_, packed),) = virtual_clock.run(scene.worker.queue.get(10))
    notice = unpack(packed)
    assert ("Source failed", "made", "gone") == (notice.rule, notice.values["evt_source"], notice.values["error"])
    assert notice.message() == "source made failed and is not started again: what comes to it from now on is not seen"


def test_the_end_of_an_input_is_no_failure() -> None:
    scene = Scene(Batches(), live=False)
    scene.run()
    assert (0, False) == (scene.worker.queue.in_memory(), scene.pump.failed)


def test_the_title_names_the_plugin_where_it_is_another() -> None:
    scene = Scene(Batches())
    assert "made" == scene.pump.title
    other = SourcePump(
        iter([PumpedSource("ebpf", scene.pipeline)]), alert_pipeline(metrics=Metrics()), demand=Demand,
        stopping=asyncio.Event(),
    )  # fmt: skip
    assert ("made (ebpf)", False, "", False) == (other.title, other.failed, other.problem, other.is_optional)
    other.reconcile()  # there is no state to compare
