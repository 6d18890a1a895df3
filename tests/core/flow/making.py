"""Pipelines for tests, wired as the engine wires them, with only the parts that a test needs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mozu.core.api import LookupLimits
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.filter.demand import Demand
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.wanted_enrichers import EnricherLookups, WantedEnrichers
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import NoRecorder, RecordStage
from mozu.core.respond.responses import Responses
from mozu.core.state import StateMachine


class Seen:
    """An evaluator that keeps the events that it is given, and raises the alerts that `judge` returns."""

    def __init__(self, judge: Callable[[Event], Sequence[Alert]] = lambda event: ()) -> None:
        self._judge = judge
        self.events: list[Event] = []

    def demand(self) -> Demand:
        return Demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        alerts = [alert for event in batch for alert in self._judge(event)]
        self.events += batch
        return alerts

    def reload(self) -> "Seen":
        return Seen(self._judge)


class Taken:
    """A sink worker that keeps the alerts that it accepts."""

    name = "taken"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def accept(self, alert: PackedAlert) -> None:
        self.alerts.append(unpack(alert))


def alert_pipeline(*workers: Any, metrics: Metrics, limiter: AlertLimiter | None = None) -> AlertPipeline:
    """Return an alert pipeline without redaction; the limiter is off unless one is given."""
    return AlertPipeline(
        workers, hostname="host", redact=lambda alert: None, limiter=limiter or AlertLimiter(), metrics=metrics
    )


def wanted(enrichers: Sequence[Isolated[Any]], spawn: Any, limits: LookupLimits | None = None) -> WantedEnrichers:
    """Return all that these enrichers know as wanted, until a demand changes it."""
    return WantedEnrichers(
        EnricherLookups(KeyLookups(one, limits or LookupLimits(), spawn), frozenset({f"enricher:{one.name}"}))
        for one in enrichers
    )


def pipeline_of(
    source: Isolated[Any],
    *evaluators: Any,
    live: bool,
    state: StateMachine | None,
    metrics: Metrics,
    worker: Any = None,
    recorder: RecordStage | None = None,
    enrichers: Sequence[Isolated[Any]] = (),
    spawn: Any = None,
    limits: LookupLimits | None = None,
    gate: EventGate | None = None,
    verdict_memory: int = 0,
    state_dir: Path | None = None,
) -> SourcePipeline:
    """Return the pipeline of one source, as `wire` makes it. `state_dir`: the directory that responses write to; None
    for no responses.
    """
    judges = [Isolated("evaluator", f"judge{number}", one, metrics) for number, one in enumerate(evaluators)]
    fields = FieldRegistry()
    fields.declare_source("json", ())
    alerts = alert_pipeline(*(() if worker is None else (worker,)), metrics=metrics)
    return SourcePipeline(
        source,
        live=live,
        origin="here",
        input_name="input",
        state=state,
        recorder=recorder or NoRecorder(),
        enrichers=wanted(enrichers, spawn or (lambda work, name: None), limits),
        bounds=EnrichmentBufferBounds(),
        evaluation=Evaluation(judges),
        alerts=alerts,
        fields=fields,
        metrics=metrics,
        gate=gate,
        verdict_memory=verdict_memory,
        responses=None if state_dir is None else responses_of(state_dir, alerts, metrics),
    )


def responses_of(state_dir: Path, alerts: AlertPipeline, metrics: Metrics) -> Responses:
    """Return responses without a responder."""
    return Responses(
        state_dir, notify=alerts.notice, spawn=lambda work, name: None, names=lambda event: ((), ""), metrics=metrics
    )
