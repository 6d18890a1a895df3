"""Recorders of the sources, from the settings `record` and `capture`."""

from pathlib import Path
from typing import Final

from mozu.core.api import Source
from mozu.core.filter.demand import ANY_ENRICHER, STATE_DEPENDENCIES, Demand, Interest
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.recording import (
    CapturePlan,
    Captures,
    EnrichedNames,
    FullRecording,
    KeepsRecordedNames,
    NoRecorder,
    Recorder,
    RecordingFiles,
    RecordingInfo,
    RecordingOutput,
    RecordingWriter,
    RecordStage,
)
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.engine.built import Assembly, BuiltSource
from mozu.core.state import StateMachine

EVERYTHING: Final = Demand(
    {
        "syscall": {"*": Interest(frozenset((*STATE_DEPENDENCIES, ANY_ENRICHER)))},
        "*": {"*": Interest(frozenset({ANY_ENRICHER}))},
    }
)
"""The demand that a recording of all events adds to that of the rules."""


def recorded_demand(demand: Demand, assembly: Assembly) -> Demand:
    """Return the demand on sources if recordings are made: rules other than today's will read a recording."""
    if assembly.record.file is not None and assembly.record.events == "all":
        return demand | EVERYTHING
    return demand.whole() if assembly.record.file is not None or assembly.capture.enabled else demand


def recorder_for(
    built: BuiltSource, origin: str, state: StateMachine | None, assembly: Assembly, metrics: Metrics
) -> RecordStage:
    """Return the recorder of one source."""
    source, live = built.isolated, built.declaration.live
    scope = metrics.scope(source=source.name)
    outputs: list[RecordingOutput] = []
    file = assembly.record.file_of(source.name, len(assembly.sources))
    if file is not None:
        outputs.append(_full(assembly.record, file, source, scope))
    if assembly.capture.enabled:
        outputs.append(_captures(assembly.capture, scope, live=live))
    if not outputs:
        return NoRecorder()
    component = source.component
    recorded_names = component.recorded_names if isinstance(component, KeepsRecordedNames) else None
    about = RecordingInfo(
        source=source.name, origin=origin, writer=f"mozu {assembly.version}", names=assembly.fields.lookups,
        versions={one.name: one.version for one in built.declaration.events},
    )  # fmt: skip
    return Recorder(
        about, outputs, live=live, state=state, enriched_names=EnrichedNames(assembly.fields),
        recorded_names=recorded_names, metrics=scope, values=assembly.plugin_values,
    )  # fmt: skip


def change_recorder(
    stage: RecordStage,
    built: BuiltSource,
    origin: str,
    state: StateMachine | None,
    assembly: Assembly,
    metrics: Metrics,
    *,
    other_captures: bool,
) -> tuple[RecordStage, list[RecordingOutput]]:
    """Return the recorder of one source after a reload, and the outputs to close. A full recording continues."""
    if not isinstance(stage, Recorder):
        return recorder_for(built, origin, state, assembly, metrics) if other_captures else stage, []
    outputs = list(stage.outputs)
    if other_captures:
        outputs = [output for output in outputs if not isinstance(output, Captures)]
        if assembly.capture.enabled:
            scope = metrics.scope(source=built.isolated.name)
            outputs.append(_captures(assembly.capture, scope, live=built.declaration.live))
    left = [output for output in stage.outputs if output not in outputs]
    stage.use(outputs, EnrichedNames(assembly.fields), assembly.plugin_values)
    return stage, left


def _full(settings: RecordSettings, file: Path, source: Isolated[Source], metrics: Metrics) -> FullRecording:
    return FullRecording(
        RecordingWriter(RecordingFiles(file, settings.keep), metrics, source.log.info), metrics,
        most_bytes=settings.size, most_seconds=settings.seconds,
    )  # fmt: skip


def _captures(settings: CaptureSettings, metrics: Metrics, *, live: bool) -> Captures:
    plan = CapturePlan(
        prefix=settings.path_prefix, every_rule=settings.mode == "all_rules", before=settings.before,
        after=settings.default_duration / 1000, memory=settings.memory, most_bytes=settings.max_file_size,
    )  # fmt: skip
    return Captures(plan, live, metrics)
