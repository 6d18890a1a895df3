"""Scenarios of the corpus, recorded again while they are judged, and judged from that recording."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mozu.core.api import Evaluator
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import EnrichedNames, RecordedNames, Recorder, RecordingInfo
from mozu.core.recording.section import Chunk, Section
from mozu.core.state import StateMachine
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.settings import ReplaySettings
from mozu.plugins.sources.replay.source import ReplaySource
from tests.oracle.engine import _in, as_json, evaluator, registry
from tests.oracle.scenario import Scenario

STEP: Final = 2
"""Events in a chunk."""


class Kept:
    """An output in memory. `often`: a section begins with every chunk, and is written as one."""

    def __init__(self, *, often: bool = False) -> None:
        self._often = often
        self._section: Section | None = None
        self.data = bytearray()
        self.sections = 0

    def due(self) -> bool:
        return self._often

    def put(self, chunk: Chunk) -> None:
        if self._section is None or (self._often and chunk.section is not self._section):
            self._section = chunk.section
            self.sections += 1
            self.data += b"".join(chunk.section.text())
        self.data += b"".join(chunk.text())

    def alert(self, alert: Alert) -> None:
        pass

    def tick(self) -> None:
        pass

    def shrink(self) -> int:
        return 0

    def wait_capacity(self) -> bool:
        return True

    def close(self, seconds: float) -> None:
        pass

    def take_problems(self) -> list[str]:
        return []


def recorder(
    kept: Sequence[Kept],
    fields: FieldRegistry,
    state: StateMachine,
    recorded_names: RecordedNames | None = None,
    origin: str = "o",
) -> Recorder:
    """Return a recorder as a run would make it."""
    about = RecordingInfo(source="replay", origin=origin, writer="test", names=fields.lookups)
    return Recorder(
        about, kept, live=recorded_names is None, state=state, enriched_names=EnrichedNames(fields),
        recorded_names=recorded_names, metrics=Metrics(),
    )  # fmt: skip


class Thrice:
    """A scenario judged from its capture, recorded meanwhile in two ways, and judged from both recordings."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = scenario
        self._fields = registry(scenario)
        self._metadata = RecordingMetadata(self._fields.lookups)
        self.whole, self.pieces = Kept(), Kept(often=True)
        capture = self._source(scenario.capture)
        for name, make in capture.readers().items():
            self._fields.provide(name, make)
        self._rules = evaluator(scenario, self._fields)
        self.first = asyncio.run(self._run(capture, record=True))
        self.again = [self._judged(kept, folder / "recording.jsonl") for kept in (self.whole, self.pieces)]

    def _judged(self, kept: Kept, file: Path) -> list[Alert]:
        file.write_bytes(kept.data)
        return asyncio.run(self._run(self._source(file), record=False))

    def _source(self, file: Path) -> ReplaySource:
        return ReplaySource(ReplaySettings(files=[file]), _in(self._fields), self._metadata)

    async def _run(self, source: ReplaySource, *, record: bool) -> list[Alert]:
        state = StateMachine(procfs=None)
        made = recorder([self.whole, self.pieces], self._fields, state, self._metadata) if record else None
        return await _judge(source, self._rules, state, made)

    def documents(self, alerts: Sequence[Alert]) -> list[object]:
        """Return the alerts as JSON, each with the attributes that JSON leaves out."""
        shown = as_json(self._scenario, list(alerts))
        pairs = zip(shown, alerts, strict=True)
        return [(doc, alert.event_num, alert.event_type, alert.enrichment) for doc, alert in pairs]


async def _judge(source: ReplaySource, rules: Evaluator, state: StateMachine, made: Recorder | None) -> list[Alert]:
    alerts: list[Alert] = []
    await source.start(rules.demand())
    async for batch in source.batches():
        for start in range(0, len(batch), STEP):
            part: Sequence[Event] = batch[start : start + STEP]
            if made is not None:
                made.record(part)
            events = state.apply(part)
            alerts.extend(rules.evaluate(events))
            if events:
                state.prune(events[-1].num)
            if made is not None:
                made.tick(None)
    return alerts
