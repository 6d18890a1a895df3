"""From what the configuration says of recordings to the recorder of each source."""

from pathlib import Path
from typing import Any, Final

from mozu.core.errors import MozuError
from mozu.core.filter.demand import STATE_DEPENDENCIES, Demand, Interest
from mozu.core.flow.source_pump import Intake
from mozu.core.metrics import Metrics
from mozu.core.recording import (
    CapturePlan,
    Captures,
    EnrichedNames,
    FullRecording,
    Recorder,
    RecordingFiles,
    RecordingInfo,
    RecordingOutput,
    RecordingWriter,
)
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.engine.assembly import Assembly, Built

EVERYTHING: Final = Demand({"syscall": {"*": Interest(frozenset(STATE_DEPENDENCIES))}})
"""What a recording of all events adds to what the rules want."""


def recorder(built: Built, intake: Intake, assembly: Assembly, metrics: Metrics) -> Recorder | None:
    """The recorder of one source; None where nothing is recorded. Raises MozuError where a place cannot be written."""
    scope = metrics.scope(source=intake.name)
    outputs: list[RecordingOutput] = []
    if assembly.record.file is not None:
        outputs.append(_whole(assembly.record, assembly.record.file, intake, assembly, scope))
    if assembly.capture.enabled:
        outputs.append(_captures(assembly.capture, intake, scope))
    if not outputs:
        return None
    surroundings: Any = getattr(built.stage.component, "surroundings", None)
    about = RecordingInfo(
        source=intake.name, origin=intake.origin, writer=f"mozu {assembly.version}",
        names=assembly.fields.lookups,
    )  # fmt: skip
    return Recorder(
        about, outputs, live=intake.live, state=intake.state, answers=EnrichedNames(assembly.fields),
        surroundings=surroundings, metrics=scope,
    )  # fmt: skip


def _whole(settings: RecordSettings, file: Path, intake: Intake, assembly: Assembly, metrics: Metrics) -> FullRecording:
    if len(assembly.sources) > 1:
        stem, dot, rest = file.name.partition(".")
        file = file.with_name(f"{stem}-{intake.name}{dot}{rest}")
    _writable("record.file", file)
    return FullRecording(
        RecordingWriter(RecordingFiles(file, settings.keep), metrics, intake.stage.log.info), metrics,
        most_bytes=settings.size, most_seconds=settings.seconds,
    )  # fmt: skip


def _captures(settings: CaptureSettings, intake: Intake, metrics: Metrics) -> Captures:
    _writable("capture.path_prefix", settings.path_prefix)
    plan = CapturePlan(
        prefix=settings.path_prefix, every_rule=settings.mode == "all_rules", before=settings.before,
        after=settings.default_duration / 1000, memory=settings.memory, most_bytes=settings.max_file_size,
    )  # fmt: skip
    return Captures(plan, intake.live, metrics)


def _writable(setting: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise MozuError(f"{setting}: {file} cannot be written, for {file.parent} is no directory: make it")
