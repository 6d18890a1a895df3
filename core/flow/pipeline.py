"""The path of a batch: state, hold, evaluators, outlets. One pass, on the loop, without waiting."""

import socket
import time
from collections.abc import Awaitable, Callable, Sequence

from mozu.core.api.hookspecs import Enricher, Evaluator
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.enrichment_buffer import EnrichmentBuffer, EnrichmentBufferBounds
from mozu.core.flow.source_pump import Intake
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Severity, Template, alert_id
from mozu.core.model.event import Event


class Pipeline:
    """Connects what the engine has built. `spawn(awaitable, name)` starts a task that the engine's group owns."""

    def __init__(
        self,
        *,
        enrichers: Sequence[Isolated[Enricher]],
        evaluators: Sequence[Isolated[Evaluator]],
        outlets: Sequence[SinkWorker],
        hold: EnrichmentBufferBounds,
        spawn: Callable[[Awaitable[None], str], None],
        metrics: Metrics,
        hostname: str = "",
        storm: AlertLimiter | None = None,
        redact: Callable[[Alert], None] | None = None,
    ) -> None:
        self.evaluators, self.outlets = list(evaluators), tuple(outlets)
        self._enrichers, self._hold_settings, self._spawn = tuple(enrichers), hold, spawn
        self._metrics = metrics
        self.hostname = hostname or socket.gethostname()
        self._alerts = metrics.counter("alerts_total")
        self._storm, self._redact = storm or AlertLimiter(), redact
        self._folded = metrics.counter("alerts_folded_total")
        self._notices = 0

    def intake(self, source: Intake) -> EnrichmentBuffer:
        """Connect one source: the waiting room for its events. Recordings never wait."""
        return EnrichmentBuffer(
            self._enrichers if source.live else (),
            self._hold_settings,
            lambda events, unknown: self.evaluate(source, events, unknown),
            self._spawn,
            self._metrics.scope(source=source.name),
        )

    def take(self, source: Intake, batch: Sequence[Event | Alert]) -> None:
        """One batch from one source, whole."""
        events = source.accept(batch, self.dispatch)
        self.evaluate(source, source.hold.admit(events))
        source.settle()

    def evaluate(self, source: Intake, events: Sequence[Event], unknown: tuple[str, ...] = ()) -> None:
        """Judge events. An evaluator that fails on a batch is given it one by one, so that a bad event costs itself."""
        if not events:
            return
        source.evaluated.value += len(events)
        if source.recorder is not None:
            source.recorder.judged(events)
        for stage in self.evaluators:
            with stage.contained("evaluate") as outcome:
                self._send(source, stage.component.evaluate(events), unknown)
            if outcome.failed is not None:
                self._one_by_one(source, stage, events, unknown)

    def dispatch(self, alert: Alert) -> None:
        """An alert to every outlet, unless it is a repeat or part of a flood and the configuration folds those."""
        alert.hostname = alert.hostname or self.hostname
        self._alerts.value += 1
        if self._redact is not None:
            self._redact(alert)
        if self._storm.off or self._storm.passes(alert, time.monotonic()):
            self._deliver(alert)
        else:
            self._folded.value += 1

    def look_at_storms(self, *, at_end: bool = False) -> None:
        """Deliver the summaries of repeats whose time is over, and tell of floods. Call it every second."""
        for alert in self._storm.due(None if at_end else time.monotonic()):
            self._deliver(alert)
        for flood in self._storm.floods():
            self.notice(
                "Alert storm",
                Severity.WARNING,
                f"{flood.count} alerts of the rule {flood.rule!r} were suppressed because there were too many",
                suppressed_rule=flood.rule,
                count=flood.count,
                since=flood.since,
            )

    async def settled(self) -> None:
        """Wait until every alert so far is on disk, has arrived, or was dropped by policy: at every sink."""
        marks = [(outlet, outlet.buffer.mark()) for outlet in self.outlets]
        for outlet, mark in marks:
            await outlet.buffer.safe(mark)

    def _deliver(self, alert: Alert) -> None:
        for outlet in self.outlets:
            outlet.accept(alert)

    def notice(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """mozu speaks of itself (source `internal`): loss, gaps, restarts. Reaches every sink."""
        self._notices += 1
        now = time.time_ns()
        kinds = {name: "string" if isinstance(value, str) else "uint" for name, value in fields.items()}
        self.dispatch(
            Alert(
                rule=rule,
                priority=priority,
                source="internal",
                time=now,
                template=Template((text,), tuple(Ref(name, kind) for name, kind in kinds.items())),
                values=dict(fields),
                id=alert_id(now, f"{self.hostname}/internal/{self._notices}", rule),
            )
        )

    def _one_by_one(
        self, source: Intake, stage: Isolated[Evaluator], events: Sequence[Event], unknown: tuple[str, ...]
    ) -> None:
        rejected = stage.metrics.counter("events_rejected_total")
        for event in events:
            with stage.contained(f"evaluate {event.type}") as outcome:
                self._send(source, stage.component.evaluate((event,)), unknown)
            if outcome.failed is not None:
                rejected.value += 1

    def _send(self, source: Intake, alerts: Sequence[Alert], unknown: tuple[str, ...]) -> None:
        for alert in alerts:
            alert.id = alert_id(alert.time, f"{source.origin}/{alert.event_num}", alert.rule)
            alert.incomplete = unknown
            if source.recorder is not None:
                source.recorder.alert(alert)
            self.dispatch(alert)


