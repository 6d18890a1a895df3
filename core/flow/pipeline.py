"""The pipeline of a source: the stages that a batch passes from its source to its alerts, from top to bottom.

`SourcePipeline.process`:

    receive     count; alerts that a source brings ready-made go on to `emit`
    number      documents are numbered here, system calls by the state machine
    prepare     the verdict memory; where something wants every event, what the source left undecoded is decoded
    record      the events as the source gave them, for recordings
    state       the state machine gives each event its process and file as they were at that moment; calls whose
                verdict is remembered end here
    count       by container, while a client asks for that
    shed        where memory is short and nothing else is left to give up, live events end here, counted
    hold        events whose container is not known yet wait in the enrichment buffer
    evaluate    rules over the events that are complete
    remember    verdicts on calls that no rule matches, for the next batches
    prune       drop the versions of the state that no event in flight can ask for
    flush       what is recorded goes to its files once its events have been evaluated
    publish     the source may hand what the state knows of processes on to the kernel (`FollowsState`)

The alerts go on in `AlertPipeline.emit` (alert_pipeline.py), one for all sources.

One pass, on the event loop, which never waits. Each stage is given to the constructor of the one that calls it.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Final, cast

from mozu.core.api import CachesProcesses, CallJudge, FollowsState, ProvidesReaders, Source
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.container_counts import ContainerCounts
from mozu.core.flow.correlation import correlation_uid
from mozu.core.flow.denied_calls import DeniedCalls
from mozu.core.flow.enrichment_buffer import EnrichmentBuffer, EnrichmentBufferBounds
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.evaluation_queue import PendingBatch
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.receipt import Receipt
from mozu.core.flow.received import are_sound, sound
from mozu.core.flow.source_counts import SourceCounts
from mozu.core.flow.source_probe import SourceProbe
from mozu.core.flow.state_stage import apply
from mozu.core.flow.undeclared_sources import UndeclaredSources
from mozu.core.flow.verdict_memory import VerdictMemory
from mozu.core.flow.wanted_enrichers import WantedEnrichers
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, alert_id
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import NoRecorder, RecordStage
from mozu.core.respond.responses import Responses
from mozu.core.state import StateMachine
from mozu.core.state.observed import ProcSnapshot

_FORGOTTEN: Final = 1_000
"""The most processes that are forgotten at once: some 10 ms."""
_number_of: Final = attrgetter("num")
_KEPT_TASKS: Final = 2_000
"""Number of newest tasks that are never forgotten."""


class SourcePipeline:
    """The stages that the events of one source pass. received = rejected + evaluated + internal to the state + dropped
    + held."""

    def __init__(
        self,
        source: Isolated[Source],
        *,
        live: bool,
        origin: str,
        input_name: str,
        state: StateMachine | None,
        recorder: RecordStage,
        enrichers: WantedEnrichers,
        bounds: EnrichmentBufferBounds,
        evaluation: Evaluation,
        alerts: AlertPipeline,
        fields: FieldRegistry,
        metrics: Metrics,
        responses: Responses | None = None,
        gate: EventGate | None = None,
        verdict_memory: int,
    ) -> None:
        """Set up the stages. Numbers of events are unique under `origin`, and positions in the input are the same in
        every run under `input_name`. `verdict_memory`: bytes that it may take; 0: every event is judged. `responses`:
        None if responders do not act on the source's alerts."""
        self.source, self.name, self.live, self.state = source, source.name, live, state
        self.origin, self._recorder, self._evaluation, self._alerts = origin, recorder, evaluation, alerts
        self._input_name = input_name
        scope = metrics.scope(source=source.name)
        self._buffer = EnrichmentBuffer(self._enrichers_asked(enrichers), bounds, self._evaluate, scope)
        self.received = scope.counter("events_received_total")
        self.internal = scope.counter("events_internal_total")
        self.rejected = scope.counter("events_rejected_total")
        self.evaluated = scope.counter("events_evaluated_total")
        self.dropped = scope.counter("events_dropped_total")
        self._gate = EventGate() if gate is None else gate
        self.verdicts = VerdictMemory(verdict_memory, source, evaluation, scope)
        evaluation.on_change(self.verdicts.forget)
        self.ready_alerts = scope.counter("source_alerts_total")
        self.probe = SourceProbe(source)
        self.counts = SourceCounts(source)
        self.containers = ContainerCounts(fields, evaluation.demand)
        self._undeclared = UndeclaredSources(
            source, lambda: fields.source_classes() | frozenset(evaluation.demand().types), scope
        )
        self._names = fields.lookups
        self._responses = responses
        self._metrics = scope
        self._denied: DeniedCalls | None = None
        """The judge of calls before they run; None if the source asks about none."""
        self._pending: deque[PendingBatch] = deque()
        """Batches whose evaluation has not ended."""
        self._last = 0
        """Number of the newest event."""
        self.latest = 0
        """Time of the newest event of a source of system calls, ns since the boot."""

    def use(self, bounds: EnrichmentBufferBounds, verdict_memory: int) -> None:
        """Use these bounds, from the next batch on (a reload), with the enrichers that are then wanted."""
        self._buffer.use(bounds)
        self.verdicts.use(verdict_memory)
        self._undeclared.forget()

    @property
    def recorder(self) -> RecordStage:
        """The recorder in use."""
        return self._recorder

    def use_recorder(self, recorder: RecordStage) -> None:
        """Use this recorder, from the next batch on (a reload). It is given every event, including calls that the
        source discards at present."""
        self._recorder = recorder
        self.verdicts.forget()

    def _enrichers_asked(self, enrichers: WantedEnrichers) -> WantedEnrichers:
        """Return the enrichers that are asked for this source's events. What they read of the machine is true now: they
        are asked neither for recorded system calls nor where the input itself has the answers. For other events that
        can wait they are asked about fields of these events' own class."""
        if self.live:
            return enrichers
        if self.state is not None or self.source.offers(ProvidesReaders):
            return WantedEnrichers(())
        return enrichers.of_own_classes()

    def process(self, batch: Sequence[Event | Alert], receipt: Receipt | None = None) -> None:
        """Pass one batch through all stages. `receipt` follows its ready alerts."""
        received = self._receive(batch, receipt)
        numbered = self._number(received)
        prepared = self.verdicts.prepare(numbered, all_wanted=not isinstance(self._recorder, NoRecorder))
        self._recorder.record(prepared)
        stateful = self._apply(prepared)
        self._count(stateful)
        kept = self._shed(stateful)
        complete = self._buffer.admit(kept)
        rejected = self._evaluate(complete)
        self.verdicts.remember(complete, rejected)
        oldest = self._oldest()
        self._prune(oldest)
        self._recorder.flush(oldest)
        self._publish(stateful)

    def call_judge(self) -> CallJudge:
        """Return the evaluators' judge, for a source that asks before a call runs. Raises TypeError if the source has
        no state or no responses."""
        if self.state is None or self._responses is None:
            raise TypeError(f"source {self.name} has no calls of processes to ask about")
        if self._denied is None:
            emit = partial(self._emit, ())
            self._denied = DeniedCalls(self.state, self._evaluation, emit, self._responses.records, self._metrics)
        return self._denied.judge()

    def repair(self, events: Sequence[SyscallEvent]) -> None:
        """Record and apply events that only the state sees, and that no source yielded."""
        if self.state is None or not events:
            return
        self._recorder.record(events)
        with self.source.contained("repair the state"):
            self.state.apply(events)
        component = self.source.component
        if isinstance(component, CachesProcesses):
            with self.source.contained("invalidate its answers about processes"):
                component.invalidate_processes()

    # --- memory is short: each gives up a part and returns how many entries

    def forget_processes(self) -> int:
        """Forget idle processes without children; /proc is asked again when they do something."""
        if self.state is None:
            return 0
        unknown = [ProcSnapshot(pid) for pid in self.state.forgettable(_FORGOTTEN, _KEPT_TASKS)]
        self.repair(
            [SyscallEvent("syscall", "_repaired", 0, tid=one.tid, pid=one.tid, observed=one) for one in unknown]
        )
        self._prune(self._oldest())
        return len(unknown)

    @property
    def held(self) -> int:
        """Number of events that wait for an enricher."""
        return len(self._buffer)

    def release_held(self) -> int:
        """Evaluate some events that wait for an enricher without it, and return how many."""
        return self._buffer.shrink()

    def flush(self) -> None:
        """Evaluate the events still held, at the end."""
        self._buffer.flush()

    async def wait_evaluated(self) -> None:
        """Wait until no event waits for an enricher, and evaluators that work elsewhere have returned all alerts."""
        await self._buffer.wait_empty()
        for batch in tuple(self._pending):
            await batch.wait()

    def _oldest(self) -> int | None:
        """Return the number of the first event, held or being evaluated, that may still be asked for; None if there is
        none."""
        while self._pending and self._pending[0].is_done:
            self._pending.popleft()
        held, pending = self._buffer.oldest(), min((batch.first for batch in self._pending), default=None)
        return pending if held is None or (pending is not None and pending < held) else held

    # --- recordings

    def tick(self) -> list[str]:
        """Note that about a second has passed; return what went wrong with recordings."""
        return self._recorder.tick(self._oldest())

    async def wait_recorded(self) -> None:
        """Wait until recordings have caught up (backpressure)."""
        await self._recorder.wait_capacity()

    async def close(self, seconds: float) -> list[str]:
        """Write the rest of the recordings within this time; return what went wrong."""
        return await self._recorder.close(seconds)

    # --- the stages

    def _receive(self, batch: Sequence[Event | Alert], receipt: Receipt | None) -> list[Event]:
        events = [item for item in batch if not isinstance(item, Alert)]
        if receipt is not None or len(events) < len(batch):
            self._emit_ready(batch, receipt)
        self.received.value += len(events)
        events = events if are_sound(events) else self._sound(events)
        for text in self._undeclared.new(events):
            self.source.log.error("%s", text)
            self._alerts.notice("Events undeclared", Severity.ERROR, text, evt_source=self.name)
        return events

    def _sound(self, items: Sequence[object]) -> list[Event]:
        """Return the sound events; items that are no event, or unusable for later stages, are counted as rejected."""
        events: list[Event] = []
        for item in items:
            with self.source.contained("give events"):
                events.append(sound(item))
        self.rejected.value += len(items) - len(events)
        return events

    def _emit_ready(self, batch: Sequence[Event | Alert], receipt: Receipt | None) -> None:
        """Emit the ready alerts of a batch; the receipt gets an entry for each item of it."""
        for item in batch:
            passed = True
            if isinstance(item, Alert):
                self.ready_alerts.value += 1
                self._identify(item)
                passed = self._alerts.emit(item)
            if receipt is not None:
                receipt.add(passed=passed)

    def _identify(self, alert: Alert) -> None:
        """Set the id of a ready alert that has none: from its position in the input (`event_num`), so that repeats have
        the same id, or else from a running number."""
        if alert.id:
            return
        with self.source.contained("identify an alert"):
            running = f"{self.origin}/{self.ready_alerts.value}"
            identity = f"{self._input_name}/{alert.event_num}" if alert.event_num else running
            alert.id = alert_id(alert.time, identity, alert.rule)

    def _number(self, events: list[Event]) -> list[Event]:
        if not self._is_stateful(events):
            for event in events:
                if not event.num:
                    self._last += 1
                    event.num = self._last
        return events

    def _is_stateful(self, events: Sequence[Event]) -> bool:
        """Return True if these are system calls, which the state machine numbers."""
        return self.state is not None and not (events and isinstance(events[0], DataEvent))

    def _apply(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return what is left for the rules after the state machine, which consumes internal events and calls whose
        verdict is remembered."""
        if self.state is None or not self._is_stateful(events):
            return events
        if events:
            self.latest = getattr(events[-1], "boot_time", 0) or self.latest
        shown, rejected = apply(events, self.state, self.verdicts, self.source)
        recalled = len(self.verdicts.recalled)
        self.rejected.value += rejected
        self.internal.value += len(events) - len(shown) - rejected - recalled
        self.evaluated.value += recalled
        self._last = self.state.number
        return shown

    def _count(self, events: Sequence[Event]) -> None:
        if self.containers.is_wanted:
            with self.source.contained("count events by container"):
                self.containers.count(events)

    def _shed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Drop live events if the gate is closed: the state has taken them in, rules do not see them."""
        if not self.live or not self._gate.is_closed:
            return events
        self.dropped.value += len(events)
        self._gate.dropped += len(events)
        return ()

    def _evaluate(self, events: Sequence[Event], incomplete: tuple[str, ...] = ()) -> Sequence[Event]:
        """Evaluate events; return those on which an evaluator failed. The enrichment buffer calls this too, with the
        enrichers that have not answered in time."""
        if not events:
            return ()
        self.evaluated.value += len(events)
        self._recorder.evaluated(events)
        rejected = self._evaluation.run(events, partial(self._emit, incomplete, events), self._pending.append)
        if self._responses is not None:
            self._responses.report_unreported(events)
        if self.probe.is_pending:
            self.probe.evaluated(events, rejected)
        return rejected

    def _emit(self, incomplete: tuple[str, ...], events: Sequence[Event], alert: Alert, evaluator: Isolation) -> None:
        self.verdicts.alerted(alert.event_num)
        if self._denied is not None and self._denied.is_repeated(alert, partial(_event_of, alert, events)):
            return
        try:
            alert.id = alert_id(alert.time, f"{self.origin}/{alert.event_num}", alert.rule)
            alert.incomplete = incomplete or self._buffer.unanswered.get(alert.event_num, ())
            if self.state is not None:
                alert.correlation_uid = correlation_uid(_event_of(alert, events), self._names.entities.host_id)
            if not alert.shadow:
                self._recorder.alert(alert)
        except BaseException as error:  # what one alert contains stops no other
            if is_ours(error):
                raise
            evaluator.failed("make an alert that can be recorded", error)
        self._alerts.emit(alert)
        if self._responses is not None and self._responses.wants(alert):
            event = _event_of(alert, events)
            self._responses.respond(alert, event, lambda: self.latest)

    def _prune(self, oldest: int | None) -> None:
        """Prune the state. `oldest`: number of the first event that may still be asked for; None: the last one."""
        if self.state is not None:
            self.state.prune(self._last if oldest is None else oldest)

    def _publish(self, events: Sequence[Event]) -> None:
        """Tell the source that the state has taken in a batch, so that it may update kernel maps."""
        if self.source.offers(FollowsState):
            component = cast("FollowsState", self.source.component)
            with self.source.contained("publish what the state knows of processes"):
                component.state_applied([*events, *self.verdicts.recalled] if self.verdicts.recalled else events)


def _event_of(alert: Alert, events: Sequence[Event]) -> Event | None:
    """Return the event of a batch that an alert is about; None if it is not there. System calls have rising numbers,
    documents any."""
    place = bisect_left(events, alert.event_num, key=_number_of)
    if place < len(events) and events[place].num == alert.event_num:
        return events[place]
    return next((one for one in events if one.num == alert.event_num), None)
