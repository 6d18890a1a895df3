"""Wiring: connects built components into pipelines; the constructor of each stage receives the stages that it calls.

First the alert pipeline over the sink workers, and the evaluation; then for each source its state, recorder, pipeline,
reconciler and pump.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

import msgspec

from mozu.core.api import AsksBefore, FiltersByProcess, HasOrigin, ObservesPids, Source
from mozu.core.common.cgroup_makers import CgroupMakers
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.filter.demand import Demand
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.memory_bound import MemoryBound
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.process_predicate import process_predicates
from mozu.core.flow.reconcile import Reconciler
from mozu.core.flow.source_pump import PumpedSource, SourcePump
from mozu.core.flow.wanted_enrichers import WantedEnrichers
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.respond.responses import Responses
from mozu.core.runtime.engine.built import Assembly, BuiltSource
from mozu.core.runtime.engine.memory_steps import memory_steps
from mozu.core.runtime.engine.recordings import recorded_demand, recorder_for
from mozu.core.runtime.engine.responding import give_kills, responses_of, use_kills
from mozu.core.state import StateMachine


class Wired(msgspec.Struct, frozen=True):
    """The connected parts of a run."""

    alerts: AlertPipeline
    responses: Responses
    evaluation: Evaluation
    enrichers: WantedEnrichers
    pumps: tuple[SourcePump, ...]
    demand: Callable[[], Demand]
    """Returns the present demand of the evaluators and the recordings."""
    memory: MemoryBound


def wire(
    assembly: Assembly,
    metrics: Metrics,
    *,
    spawn: Callable[[Awaitable[None], str], None],
    workers: Sequence[SinkWorker],
    stopping: asyncio.Event,
) -> Wired:
    """Connect the components of an assembly. `spawn` starts background tasks; `stopping` is set when the run ends."""
    gate = EventGate()
    alerts = AlertPipeline(
        workers, hostname=assembly.hostname, redact=assembly.redact or unredacted, limiter=assembly.alert_limiter,
        metrics=metrics, host_id=assembly.fields.lookups.entities.host_id,
    )  # fmt: skip
    responses = responses_of(assembly, alerts, spawn, metrics)
    evaluation = Evaluation(assembly.evaluators, spawn)
    wanted = WantedEnrichers(assembly.key_lookups)

    demand = partial(_demand, evaluation, assembly)

    def pumped(built: BuiltSource) -> PumpedSource:
        live, source = built.declaration.live, built.isolated
        state, origin = _state(built), _origin(source, assembly)
        pipeline = SourcePipeline(
            source,
            live=live,
            origin=origin,
            input_name=_input_name(source, assembly),
            state=state,
            recorder=recorder_for(built, origin, state, assembly, metrics),
            enrichers=wanted,
            bounds=assembly.enrichment_buffer,
            evaluation=evaluation,
            alerts=alerts,
            responses=responses if live or built.declaration.acted_on else None,
            fields=assembly.fields,
            metrics=metrics,
            gate=gate,
            verdict_memory=assembly.verdict_memory,
        )
        reconciler = _reconciler(pipeline, state, demand) if state is not None and live else None

        prepare = partial(_prepare, pipeline, reconciler, assembly, responses)
        return PumpedSource(built.declaration.name, pipeline, reconciler, prepare, built.declaration.ends)

    def alternatives(built: BuiltSource) -> Iterator[PumpedSource]:
        yield pumped(built)
        while built.fallback is not None:
            built = built.fallback()
            yield pumped(built)

    def pump(built: BuiltSource) -> SourcePump:
        return SourcePump(
            alternatives(built), alerts, demand=demand, stopping=stopping,
            optional=built.isolated.is_optional, gate=gate,
        )  # fmt: skip

    pumps = tuple(pump(built) for built in assembly.sources)
    responses.on_switch = lambda: use_kills(pumps, responses.kernel_kills)
    memory = MemoryBound(
        lambda: assembly.memory_limit, memory_steps(assembly, alerts, pumps), gate, notify=alerts.notice,
        metrics=metrics,
    )  # fmt: skip
    return Wired(alerts, responses, evaluation, wanted, pumps, demand, memory)


def _prepare(
    pipeline: SourcePipeline, reconciler: Reconciler | None, assembly: Assembly, responses: Responses, component: Source
) -> None:
    """Pass to an instance of a source what it needs before its start."""
    if reconciler is not None and pipeline.state is not None and isinstance(component, FiltersByProcess):
        component.use_process_predicates(process_predicates(assembly.fields, pipeline.state))
    if isinstance(component, AsksBefore):
        component.ask_before(pipeline.call_judge)
    give_kills(component, responses.kernel_kills)


def _demand(evaluation: Evaluation, assembly: Assembly) -> Demand:
    return recorded_demand(evaluation.demand(), assembly)


def _state(built: BuiltSource) -> StateMachine | None:
    """Return the state for a source of system calls, else None. On a live machine /proc supplies what the stream leaves
    out."""
    if built.declaration.event_source != "syscall":
        return None
    metrics = built.isolated.metrics
    if not built.declaration.live:
        return StateMachine(procfs=None, metrics=metrics)
    return StateMachine(procfs="/proc", metrics=metrics, makers=CgroupMakers())


def _origin(source: Isolated[Source], assembly: Assembly) -> str:
    """Return the name under which the numbers of this source's events are unique; a source that reads recordings may
    have its own."""
    own = source.component.origin if isinstance(source.component, HasOrigin) else ""
    return own or f"{assembly.origin}/{source.name}"


def _input_name(source: Isolated[Source], assembly: Assembly) -> str:
    """Return the name of a source's input, the same in every run: positions in it are unique under this name."""
    own = source.component.origin if isinstance(source.component, HasOrigin) else ""
    return own or f"{assembly.hostname}/{source.name}/input"


def _reconciler(pipeline: SourcePipeline, state: StateMachine, demand: Callable[[], Demand]) -> Reconciler:
    source = pipeline.source
    return Reconciler(
        pipeline,
        state,
        source.metrics,
        threads=lambda: "threads" in demand().state_dependencies("syscall"),
        pids=(lambda: _observed_pids(source)) if isinstance(source.component, ObservesPids) else None,
    )


def _observed_pids(source: Isolated[Source]) -> Sequence[int] | None:
    """Return the pids that the source's present instance observes; None if it observes all processes."""
    component = source.component
    return component.observed_pids() if isinstance(component, ObservesPids) else ()


def unredacted(alert: Alert) -> None:
    """Leave the alert as it is: redaction is off."""
