"""The pipeline: the order in which a batch passes the stages, and the counts of each stage."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.packed_alert import AlertPacker
from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.container_counts import HOST, ContainerCount
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.recording import NoRecorder
from mozu.core.state import StateMachine
from mozu.core.testing import alert
from tests.core.flow.making import Seen, Taken, alert_pipeline, pipeline_of


class Trace(NoRecorder):
    """A recorder that records its calls among the steps of the other stages."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def record(self, events: Sequence[Event]) -> None:
        named = ["state" if isinstance(event, SyscallEvent) and event.process else event.type for event in events]
        self.steps.append(f"record {' '.join(named)}")

    def evaluated(self, events: Sequence[Event]) -> None:
        self.steps.append(f"evaluate {' '.join(event.type for event in events)}")

    def alert(self, alert: Alert) -> None:
        self.steps.append(f"alert {alert.rule}")

    def flush(self, oldest: int | None) -> None:
        self.steps.append(f"flush {oldest}")


class Unknown:
    """An enricher that does not know events `held`, until it is allowed to."""

    def __init__(self) -> None:
        self.let = asyncio.Event()

    async def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        return "container" if event.type == "held" else None

    def known(self, key: str) -> bool:
        return self.let.is_set()

    async def resolve(self, key: str) -> None:
        await self.let.wait()

    def readers(self) -> Mapping[str, Any]:
        return {}

    async def stop(self) -> None:
        pass


def source(metrics: Metrics) -> Isolated[Any]:
    return Isolated("source", "made", object(), metrics)


def documents(*types: str) -> list[DataEvent]:
    return [DataEvent("json", kind, 0) for kind in types]


def number(metrics: Metrics, name: str) -> float:
    return sum(value for found, _, value in metrics.collect() if found == name)


def judged(event: Event) -> Sequence[Alert]:
    made = alert(f"rule of {event.type}")
    made.event_num = event.num
    return [made]


def test_a_batch_passes_record_state_evaluate_and_flush_in_this_order() -> None:
    metrics, trace, seen, taken = Metrics(), Trace(), Seen(judged), Taken()
    pipeline = pipeline_of(
        source(metrics),
        seen,
        live=False,
        state=StateMachine(procfs=None),
        metrics=metrics,
        worker=taken,
        recorder=trace,
    )
    pipeline.process([SyscallEvent("syscall", "chdir", 1005, tid=7, pid=7, args=(0, "/"), boot_time=5)])
    assert ["record chdir", "evaluate chdir", "alert rule of chdir", "flush None"] == trace.steps
    (event,) = seen.events
    assert isinstance(event, SyscallEvent)
    assert event.process is not None
    assert (1, 5, ["rule of chdir"]) == (event.num, pipeline.latest, [one.rule for one in taken.alerts])


def test_documents_are_numbered_before_they_are_recorded_and_pass_the_state_by() -> None:
    metrics, seen = Metrics(), Seen()
    pipeline = pipeline_of(source(metrics), seen, live=False, state=None, metrics=metrics)
    for _ in range(2):
        pipeline.process(documents("a", "b"))
    assert [1, 2, 3, 4] == [event.num for event in seen.events]


def test_an_alert_that_a_source_brings_is_redacted_and_limited_and_not_evaluated() -> None:
    metrics, seen, taken = Metrics(), Seen(), Taken()
    pipeline = pipeline_of(source(metrics), seen, live=False, state=None, metrics=metrics, worker=taken)
    pipeline.process([alert("ready")])
    assert (["ready"], []) == ([one.rule for one in taken.alerts], seen.events)
    assert (1, 0) == (number(metrics, "source_alerts_total"), number(metrics, "events_received_total"))


def test_internal_events_end_in_the_state_and_every_event_is_accounted_for() -> None:
    metrics, seen = Metrics(), Seen()
    pipeline = pipeline_of(source(metrics), seen, live=False, state=StateMachine(procfs=None), metrics=metrics)
    pipeline.process([
        SyscallEvent("syscall", "_reset", 0),
        SyscallEvent("syscall", "chdir", 0, tid=7, pid=7, args=(0, "/")),
        SyscallEvent("syscall", "chdir", 0, tid=7, pid=7, args=(0, 7)),
    ])  # fmt: skip
    counts = [number(metrics, f"events_{name}_total") for name in ("received", "internal", "evaluated")]
    assert [3, 1, 1] == counts
    assert 1 == pipeline.rejected.value


def held(play: Callable[[SourcePipeline, Unknown, Trace], Awaitable[None]]) -> Trace:
    """Play with a pipeline whose enricher has no answer yet; return the trace."""

    async def main() -> Trace:
        metrics, unknown, trace = Metrics(), Unknown(), Trace()
        async with asyncio.TaskGroup() as group:

            def spawn(work: Any, name: str) -> None:
                group.create_task(work)

            enricher = Isolated("enricher", "unknown", unknown, metrics)
            pipeline = pipeline_of(
                source(metrics), Seen(), live=True, state=None, metrics=metrics, recorder=trace, enrichers=[enricher],
                spawn=spawn,
            )  # fmt: skip
            await play(pipeline, unknown, trace)
            unknown.let.set()
        return trace

    return asyncio.run(main())


def test_what_is_held_is_recorded_at_once_and_evaluated_later() -> None:
    async def play(pipeline: SourcePipeline, unknown: Unknown, trace: Trace) -> None:
        pipeline.process(documents("held", "free"))
        trace.steps.append("known")

    assert ["record held free", "evaluate free", "flush 1", "known", "evaluate held"] == held(play).steps


def test_bounds_of_a_reload_hold_for_what_comes_then() -> None:
    async def play(pipeline: SourcePipeline, unknown: Unknown, trace: Trace) -> None:
        pipeline.process(documents("held"))
        pipeline.use(EnrichmentBufferBounds(events=1), 0)
        pipeline.process(documents("held"))

    assert [
        "record held", "flush 1", "record held", "evaluate held held", "flush None",
    ] == held(play).steps  # fmt: skip


def test_what_is_held_is_given_up_where_memory_is_short() -> None:
    async def play(pipeline: SourcePipeline, unknown: Unknown, trace: Trace) -> None:
        pipeline.process(documents("held", "held"))
        trace.steps.append(f"released {pipeline.release_held()}")

    assert ["record held held", "flush 1", "evaluate held held", "released 2"] == held(play).steps


class Follower:
    """A source that is notified when a batch has been applied to the state."""

    def __init__(self, state: StateMachine) -> None:
        self._state = state
        self.applied: list[tuple[list[str], int, bool]] = []

    def state_applied(self, batch: Sequence[Event]) -> None:
        known = self._state.process(7) is not None
        self.applied.append(([event.type for event in batch], self._state.number, known))


def test_a_source_that_follows_the_state_is_called_once_a_batch_is_in_it() -> None:
    metrics, state = Metrics(), StateMachine(procfs=None)
    follower = Follower(state)
    pipeline = pipeline_of(
        Isolated("source", "made", follower, metrics), live=True, state=state, metrics=metrics
    )  # fmt: skip
    pipeline.process([
        SyscallEvent("syscall", "chdir", 0, tid=7, pid=7, args=(0, "/")),
        SyscallEvent("syscall", "chdir", 0, tid=7, pid=7, args=(0, "/")),
    ])  # fmt: skip
    assert [(["chdir", "chdir"], 2, True)] == follower.applied


def test_at_the_end_what_is_held_is_evaluated_without_its_data() -> None:
    async def play(pipeline: SourcePipeline, unknown: Unknown, trace: Trace) -> None:
        pipeline.process(documents("held"))
        pipeline.flush()
        assert ["record held", "flush 1", "evaluate held"] == trace.steps

    held(play)


def test_at_a_closed_gate_events_are_recorded_and_none_is_held() -> None:
    async def play(pipeline: SourcePipeline, unknown: Unknown, trace: Trace) -> None:
        pipeline._gate.is_closed = True
        pipeline.process(documents("held", "free"))

    trace = held(play)
    assert ["record held free", "flush None"] == trace.steps


def test_an_evaluator_that_fails_on_one_event_loses_that_event_only() -> None:
    def fails(event: Event) -> Sequence[Alert]:
        if event.type == "bad":
            raise ValueError("bad")
        return judged(event)

    metrics, taken = Metrics(), Taken()
    pipeline = pipeline_of(source(metrics), Seen(fails), live=False, state=None, metrics=metrics, worker=taken)
    pipeline.process(documents("a", "bad", "b"))
    assert ["rule of a", "rule of b"] == [one.rule for one in taken.alerts]


def test_an_alert_that_cannot_be_recorded_arrives_all_the_same_and_counts_against_its_evaluator() -> None:
    class Full(NoRecorder):
        def alert(self, alert: Alert) -> None:
            raise ValueError("no form for this")

    metrics, taken = Metrics(), Taken()
    pipeline = pipeline_of(
        source(metrics), Seen(judged), live=False, state=None, metrics=metrics, worker=taken, recorder=Full()
    )
    pipeline.process(documents("a"))
    assert ["rule of a"] == [one.rule for one in taken.alerts]
    failed = {labels["id"]: value for name, labels, value in metrics.collect() if name == "component_failures_total"}
    assert 1 == failed["judge0"]


def test_events_are_counted_by_container_while_a_client_asks() -> None:
    class Wanting(Seen):
        def demand(self) -> Demand:
            return Demand({"syscall": {"chdir": Interest(frozenset({"cgroups"}))}})

    metrics, machine = Metrics(), StateMachine(procfs=None)
    pipeline = pipeline_of(source(metrics), Wanting(), live=True, state=machine, metrics=metrics)

    def give() -> None:
        pipeline.process([SyscallEvent("syscall", "chdir", 0, tid=7, pid=7, args=(0, "/"))])

    give()
    assert {} == pipeline.containers.look()
    give()
    give()
    assert {HOST: ContainerCount("", 2)} == pipeline.containers.look()


def test_suppressed_alerts_are_counted_and_a_rate_limit_is_reported() -> None:
    metrics, taken = Metrics(), Taken()
    alerts = alert_pipeline(taken, metrics=metrics, limiter=AlertLimiter(rate=0.001, burst=1))
    for _ in range(3):
        alerts.emit(alert("Shell"))
    alerts.report_suppressed()
    assert ["Shell", "Alerts rate-limited"] == [one.rule for one in taken.alerts]
    assert (2, 2) == (taken.alerts[1].values["count"], number(metrics, "alerts_suppressed_total"))


def test_what_was_folded_of_mozus_own_is_counted_in_a_notice() -> None:
    metrics, taken = Metrics(), Taken()
    alerts = alert_pipeline(taken, metrics=metrics, limiter=AlertLimiter(own_rate=0.001, own_burst=1))
    for _ in range(3):
        alerts.notice("Gap", Severity.WARNING, "a gap")
    alerts.report_suppressed(at_end=True)
    assert [("Gap", None), ("Alerts folded", 2)] == [(one.rule, one.values.get("count")) for one in taken.alerts]
    assert "2 alerts of the rule 'Gap' were folded" in taken.alerts[1].message()


def test_repeats_become_one_alert_with_their_number() -> None:
    metrics, taken = Metrics(), Taken()
    alerts = alert_pipeline(taken, metrics=metrics, limiter=AlertLimiter(dedup_seconds=3600.0))
    for _ in range(3):
        alerts.emit(alert("Shell"))
    alerts.report_suppressed(at_end=True)
    assert [None, 2] == [one.values.get("mozu.repeats") for one in taken.alerts]


def test_notices_have_ids_of_their_own_and_typed_fields() -> None:
    metrics, taken = Metrics(), Taken()
    alerts = alert_pipeline(taken, metrics=metrics)
    for _ in range(2):
        alerts.notice("Gap", Severity.WARNING, "a step of the clock", evt_source="made", count=3)
    first, second = taken.alerts
    assert first.id != second.id
    said = {"evt_source": "made", "count": 3, "mozu.text": first.message()}
    assert ("internal", said) == (first.source, first.values)


def test_while_the_gate_is_closed_live_events_reach_the_state_and_no_rule_and_are_counted() -> None:
    metrics, seen, gate = Metrics(), Seen(), EventGate()
    source, state = Isolated[Any]("source", "made", object(), metrics), StateMachine(procfs="/nowhere")
    pipeline = pipeline_of(source, seen, live=True, state=state, metrics=metrics, gate=gate)

    def give(number: int) -> None:
        shown = SyscallEvent("syscall", "some", number, number, number)
        pipeline.process([shown, SyscallEvent("syscall", "_reset", 1)])

    give(1)
    gate.is_closed = True
    give(2)
    gate.is_closed = False
    give(3)
    assert [1, 3] == [event.time for event in seen.events]
    assert (1, 1) == (pipeline.dropped.value, gate.dropped)
    assert pipeline.received.value == pipeline.evaluated.value + pipeline.internal.value + pipeline.dropped.value
    assert state.number == 3


def test_a_source_that_can_wait_loses_nothing_at_a_closed_gate() -> None:
    metrics, seen, gate = Metrics(), Seen(), EventGate()
    gate.is_closed = True
    source = Isolated[Any]("source", "made", object(), metrics)
    pipeline = pipeline_of(source, seen, live=False, state=None, metrics=metrics, gate=gate)
    pipeline.process([DataEvent("k8s_audit", "x", 1)])
    assert 1 == len(seen.events)


def test_all_notices_of_one_rule_share_a_template_which_a_spool_stores_once() -> None:
    metrics, taken = Metrics(), Taken()
    alerts = alert_pipeline(taken, metrics=metrics)
    for number in (1, 2):
        alerts.notice("Gap", Severity.WARNING, f"step {number}", evt_source="made", count=number)
    first, second = taken.alerts
    packer = AlertPacker()
    forms = {packer.pack(one).form.raw for one in taken.alerts}
    assert (first.template is second.template, 1) == (True, len(forms))
    assert ["step 1", "step 2"] == [one.message() for one in taken.alerts]
