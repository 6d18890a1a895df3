"""Changes of the pipeline's state besides events: repairs, forgetting, pruning; and the oldest event that may still be
asked for.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, alert_id
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.recording import NoRecorder
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.testing import alert
from tests.core.flow.making import Seen, Taken, pipeline_of


class Recorder(NoRecorder):
    """A recorder that keeps its events, and the number of the oldest that may still be asked for."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int, int, int]] = []
        self.oldest: list[int | None] = []
        self.closed: list[float] = []

    def record(self, events: Sequence[Event]) -> None:
        self.events += [
            (one.type, one.time, one.tid, one.pid) if isinstance(one, SyscallEvent) else (one.type, one.time, 0, 0)
            for one in events
        ]

    def flush(self, oldest: int | None) -> None:
        self.oldest.append(oldest)

    def tick(self, oldest: int | None) -> list[str]:
        self.oldest.append(oldest)
        return ["the disk is slow"]

    async def close(self, seconds: float) -> list[str]:
        self.closed.append(seconds)
        return ["a file is cut"]


class Caching:
    """A source that caches answers about processes until they are invalidated."""

    def __init__(self) -> None:
        self.invalidated = 0

    def invalidate_processes(self) -> None:
        self.invalidated += 1


class Machine(StateMachine):
    """A state machine that records the numbers to which it is pruned, and forgets on the test's demand."""

    def __init__(self) -> None:
        super().__init__(procfs=None)
        self.pruned: list[int] = []
        self.idle: list[int] = []

    def prune(self, number: int) -> None:
        self.pruned.append(number)
        super().prune(number)

    def forgettable(self, most: int, kept: int) -> list[int]:
        assert most <= kept
        return self.idle


class Scene:
    """A pipeline with the source, machine and recorder above."""

    def __init__(self, *, state: bool = True, live: bool = True, judge: Any = lambda event: ()) -> None:
        self.source, self.machine, self.recorder, self.seen = Caching(), Machine(), Recorder(), Seen(judge)
        self.metrics, self.taken = Metrics(), Taken()
        isolated: Isolated[Any] = Isolated("source", "made", self.source, self.metrics)
        self.pipeline: SourcePipeline = pipeline_of(
            isolated, self.seen, live=live, state=self.machine if state else None, metrics=self.metrics,
            recorder=self.recorder, worker=self.taken,
        )  # fmt: skip


def known(tid: int) -> SyscallEvent:
    return SyscallEvent("syscall", "_process", 0, tid=tid, pid=tid, observed=KnownProcess(name="p", ptid=1, vpid=tid))


def chdir(tid: int, time: int = 0) -> SyscallEvent:
    return SyscallEvent("syscall", "chdir", time + 1000, tid=tid, pid=tid, args=(0, "/"), boot_time=time)


def test_a_repair_is_recorded_applied_and_ends_what_the_source_knows_of_processes() -> None:
    scene = Scene()
    scene.pipeline.repair([known(7)])
    assert [("_process", 0, 7, 7)] == scene.recorder.events
    assert scene.machine.process(7) is not None
    assert 1 == scene.source.invalidated
    assert 0 == scene.pipeline.received.value


def test_without_events_or_without_a_state_there_is_nothing_to_repair() -> None:
    for scene, events in ((Scene(), []), (Scene(state=False), [known(7)])):
        scene.pipeline.repair(events)
        assert ([], 0) == (scene.recorder.events, scene.source.invalidated)


def test_processes_that_are_forgotten_are_repaired_away_and_counted() -> None:
    scene = Scene()
    scene.pipeline.process([known(7), known(8), chdir(7), chdir(8)])
    scene.machine.idle = [7, 8]
    scene.recorder.events.clear()
    scene.machine.pruned.clear()
    assert 2 == scene.pipeline.forget_processes()
    assert [("_repaired", 0, 7, 7), ("_repaired", 0, 8, 8)] == scene.recorder.events
    assert (None, None) == (scene.machine.process(7), scene.machine.process(8))
    assert 1 == len(scene.machine.pruned)
    assert 0 == Scene(state=False).pipeline.forget_processes()


def test_numbers_go_on_behind_processes_that_are_forgotten() -> None:
    scene = Scene()
    scene.pipeline.process([chdir(70), chdir(80)])
    scene.machine.idle = [70, 80]
    scene.pipeline.forget_processes()
    scene.pipeline.process([chdir(90)])
    assert [1, 2, 3] == [event.num for event in scene.seen.events]


class Batch:
    """A batch under evaluation in another thread."""

    def __init__(self, first: int, *, done: bool = False) -> None:
        self.first, self.is_done = first, done


@pytest.mark.parametrize(
    ("held", "pending", "oldest"),
    [
        (None, [], None),
        (5, [], 5),
        (None, [Batch(3)], 3),
        (5, [Batch(3)], 3),
        (3, [Batch(5)], 3),
        (None, [Batch(7), Batch(4)], 4),
        (9, [Batch(2, done=True), Batch(3, done=True), Batch(7)], 7),
        (None, [Batch(2, done=True)], None),
        (None, [Batch(2), Batch(1, done=True)], 1),
    ],
)
def test_what_may_still_be_asked_for_is_held_or_being_evaluated(
    held: int | None, pending: Iterable[Any], oldest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene()
    monkeypatch.setattr(scene.pipeline._buffer, "oldest", lambda: held)
    scene.pipeline._pending.extend(pending)
    assert ["the disk is slow"] == scene.pipeline.tick()
    scene.pipeline.process([chdir(7)])
    assert [oldest, oldest] == scene.recorder.oldest
    assert [1 if oldest is None else oldest] == scene.machine.pruned


def test_the_end_of_a_recording_has_the_time_that_it_is_given() -> None:
    scene = Scene()
    assert ["a file is cut"] == asyncio.run(scene.pipeline.close(2.5))
    assert [2.5] == scene.recorder.closed
    assert scene.recorder is scene.pipeline.recorder


def test_the_newest_time_is_that_of_the_last_event_and_documents_have_none() -> None:
    scene = Scene()
    assert 0 == scene.pipeline.latest
    scene.pipeline.process([chdir(7, 30), chdir(7, 50), chdir(7, 40)])
    scene.pipeline.process([])
    scene.pipeline.process([DataEvent("json", "entry", 90)])
    assert 40 == scene.pipeline.latest


def test_documents_keep_a_number_that_they_bring_and_others_go_on_behind_the_last() -> None:
    scene = Scene(state=False)
    scene.pipeline.process([DataEvent("json", "a", 0), DataEvent("json", "b", 0, 70), DataEvent("json", "c", 0)])
    scene.pipeline.process([DataEvent("json", "d", 0)])
    assert [1, 70, 2, 3] == [event.num for event in scene.seen.events]


def test_documents_beside_system_calls_are_numbered_with_them() -> None:
    scene = Scene()
    scene.pipeline.process([chdir(7), chdir(7)])
    scene.pipeline.process([DataEvent("json", "a", 0)])
    assert [1, 2, 3] == [event.num for event in scene.seen.events]


class Wanting(Seen):
    """An evaluator that wants events of a class that no plugin declares."""

    def demand(self) -> Demand:
        return Demand({"jsno": {"*": Interest()}})


def test_events_of_a_class_that_nothing_declares_are_a_notice_until_a_reload_brings_rules_on_them() -> None:
    scene = Scene(state=False)

    def undeclared() -> float:
        scene.pipeline.process([DataEvent("jsno", "a", 0)])
        return next(value for name, _, value in scene.metrics.collect() if name == "events_undeclared_total")

    assert [1, 2] == [undeclared(), undeclared()]
    (notice,) = scene.taken.alerts
    assert ("Events undeclared", "made") == (notice.rule, notice.values["evt_source"])
    scene.pipeline._evaluation.use([Isolated("evaluator", "fresh", Wanting(), scene.metrics)])
    scene.pipeline.use(EnrichmentBufferBounds(), 0)
    assert 2 == undeclared()


class Entries:
    """A receipt that keeps its entries."""

    def __init__(self) -> None:
        self.passed: list[bool] = []

    def add(self, *, passed: bool) -> None:
        self.passed.append(passed)


def test_a_receipt_has_an_entry_for_each_item_whatever_it_is() -> None:
    scene, entries = Scene(state=False), Entries()
    receipt: Any = entries
    scene.pipeline.process([DataEvent("json", "a", 0)] * 2, receipt)
    scene.pipeline.process([alert("ready"), DataEvent("json", "a", 0)], receipt)
    scene.pipeline.process([alert("ready")])
    assert [True] * 4 == entries.passed
    assert 2 == scene.pipeline.ready_alerts.value


def test_an_alert_has_the_id_of_its_event_and_rule() -> None:
    def judge(event: Event) -> Sequence[Alert]:
        made = alert("Rule")
        made.event_num, made.time = event.num, event.time
        return [made]

    scene = Scene(state=False, judge=judge)
    scene.pipeline.process([DataEvent("json", "a", 5)])
    (found,) = scene.taken.alerts
    assert (found.id, found.incomplete) == (alert_id(5, "here/1", "Rule"), ())


class Responding:
    """Responses that record their calls; alerts of rules `kill` are wanted."""

    def __init__(self) -> None:
        self.unreported: list[int] = []
        self.responded: list[tuple[str, int | None, int]] = []

    def report_unreported(self, events: Sequence[Event]) -> None:
        self.unreported += [event.num for event in events]

    def wants(self, one: Alert) -> bool:
        return one.rule == "kill"

    def respond(self, one: Alert, event: Event | None, latest: Any) -> None:
        self.responded.append((one.rule, None if event is None else event.num, latest()))


def test_responses_are_given_the_alerts_that_they_want_with_their_events() -> None:
    def judge(event: Event) -> Sequence[Alert]:
        found = []
        for rule, number in (("kill", event.num), ("look", event.num), ("kill", 99)):
            found.append(alert(rule))
            found[-1].event_num = number
        return found

    scene, responses = Scene(judge=judge), Responding()
    pipeline: Any = scene.pipeline
    pipeline._responses = responses
    scene.pipeline.process([chdir(7, 30), chdir(7, 40)])
    assert [1, 2] == responses.unreported
    assert [("kill", 1, 40), ("kill", None, 40), ("kill", 2, 40), ("kill", None, 40)] == responses.responded
    assert 6 == len(scene.taken.alerts)


def test_what_asks_before_a_call_runs_needs_processes_and_responses() -> None:
    for scene in (Scene(), Scene(state=False)):
        with pytest.raises(TypeError, match="source made has no calls of processes to ask about"):
            scene.pipeline.call_judge()
