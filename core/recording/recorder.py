"""The recorder: the stage of the pipeline that writes the events of one source into recordings.

Events are encoded before the state machine has seen them, in chunks. A chunk goes to its files once its events have
been evaluated, because names that enrichers found meanwhile are placed before it. Sections begin at the start of a
file, after a loss, and as often as a look back needs them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.recording.encode import RecordingEncoder
from mozu.core.recording.enriched_names import IDS, EnrichedNames, RecordedNames, changed, hosts_changed, place_names
from mozu.core.recording.lines import NameLine
from mozu.core.recording.plugin_values import PluginValues, note_values, place_values
from mozu.core.recording.section import Chunk, RecordingInfo, Section
from mozu.core.state import StateMachine
from mozu.core.state.observed import ProcSnapshot

_CHUNK_BYTES: Final = 1 << 18
_CHUNK_SECONDS: Final = 0.25


class RecordingOutput(Protocol):
    """Destination of chunks."""

    def due(self) -> bool:
        """Return True if a section should begin."""

    def put(self, chunk: Chunk) -> None:
        """Take a chunk, or count it as lost; never wait."""

    def alert(self, alert: Alert) -> None:
        """Take an alert that an event of this source raised; the chunk of the event has not been put yet."""

    def tick(self) -> None:
        """Do periodic work; called about every second."""

    def shrink(self) -> int:
        """Free memory that is kept only in case it is needed; return the number of chunks dropped."""

    def wait_capacity(self) -> bool:
        """Wait up to a second, on a thread, until the writer has caught up; return True if it has."""

    def close(self, seconds: float) -> None:
        """Write the rest within this time; called on a thread."""

    def take_problems(self) -> list[str]:
        """Return the problems since the last call, one sentence each."""


class RecordStage(Protocol):
    """The calls of the pipeline, in the order in which a batch passes."""

    def record(self, events: Sequence[Event]) -> None:
        """Record a batch as its source emitted it, before the state machine."""

    def evaluated(self, events: Sequence[Event]) -> None:
        """Note events that are about to be evaluated: enrichers have answered for them."""

    def alert(self, alert: Alert) -> None:
        """Take an alert that one of the events raised."""

    def flush(self, oldest: int | None) -> None:
        """Handle the end of a batch. `oldest` is the number of the first event still held; None if no event is held."""

    def tick(self, oldest: int | None) -> list[str]:
        """Do periodic work, about every second; return the problems."""

    def shrink(self) -> int:
        """Drop the look back of captures because memory is short; return the number of chunks."""

    async def wait_capacity(self) -> None:
        """Apply backpressure: wait until the files have caught up. For sources that can wait."""

    async def close(self, seconds: float) -> list[str]:
        """Write the rest within this time; return the problems."""


class NoRecorder:
    """A stage that records nothing."""

    def record(self, events: Sequence[Event]) -> None:
        """Do nothing."""

    def evaluated(self, events: Sequence[Event]) -> None:
        """Do nothing."""

    def alert(self, alert: Alert) -> None:
        """Do nothing."""

    def flush(self, oldest: int | None) -> None:
        """Do nothing."""

    def tick(self, oldest: int | None) -> list[str]:
        """Return no problems."""
        return []

    def shrink(self) -> int:
        """Return 0: no memory is used."""
        return 0

    async def wait_capacity(self) -> None:
        """Return at once."""

    async def close(self, seconds: float) -> list[str]:
        """Return no problems."""
        return []


class Recorder:
    """Recorder of one source: cuts its events into chunks and passes them to its outputs."""

    def __init__(
        self,
        about: RecordingInfo,
        outputs: Sequence[RecordingOutput],
        *,
        live: bool,
        state: StateMachine | None,
        enriched_names: EnrichedNames,
        recorded_names: RecordedNames | None,
        metrics: Metrics,
        values: PluginValues | None = None,
    ) -> None:
        self._about, self._live, self._state = about, live, state
        self._enriched_names, self._recorded_names = enriched_names, recorded_names
        self._outputs = tuple(outputs)
        self._values = PluginValues() if values is None else values
        self._encoder = RecordingEncoder(about.versions)
        self._last = 0
        """Number of the newest event, if there is no state that knows it."""
        self._section: Section | None = None
        self._chunk: Chunk | None = None
        self._unevaluated: deque[Chunk] = deque()
        """Closed chunks with events that have not been evaluated yet."""
        self._changes = -1
        self._written = metrics.counter("recorded_events_total")
        metrics.gauge("recorded_events_unwritable_total", lambda: self._encoder.unwritable)
        if state is not None:
            state.on_lookup(self._on_lookup)

    def use(self, outputs: Sequence[RecordingOutput], enriched_names: EnrichedNames, values: PluginValues) -> None:
        """Use these from the next chunk on, which begins a section (a reload). The outputs before receive all events up
        to now,
        possibly without names that enrichers have not returned yet.
        """
        if tuple(outputs) != self._outputs or values.names != self._values.names:
            self._close()
            while self._unevaluated:
                place_names(self._unevaluated[0])
                place_values(self._unevaluated[0])
                self._put(self._unevaluated.popleft())
            self._section = None
        self._outputs, self._enriched_names, self._values = tuple(outputs), enriched_names, values

    @property
    def outputs(self) -> tuple[RecordingOutput, ...]:
        """Destinations of chunks."""
        return self._outputs

    def record(self, events: Sequence[Event]) -> None:
        """Record a batch as its source emitted it, before the state machine."""
        if not events or not self._outputs:
            return
        chunk = self._open()
        parts = self._encoder.encode(events, self._number())
        if self._recorded_names is not None and self._recorded_names.changes != self._changes:
            self._changes = self._recorded_names.changes
            parts = changed(chunk.section, self._recorded_names.entries()) + parts
        elif self._recorded_names is None:
            parts = hosts_changed(chunk.section, self._about.names.hosts) + parts
        chunk.parts.extend(parts)
        chunk.size += sum(map(len, parts))
        chunk.count += len(events)
        chunk.time = events[-1].time or chunk.time
        self._last = max(self._last, events[-1].num)
        self._written.value += len(events)

    def flush(self, oldest: int | None) -> None:
        """Pass chunks to the outputs once all their events have been evaluated."""
        chunk = self._chunk
        if chunk is not None:
            chunk.last = self._number()
            if chunk.size >= _CHUNK_BYTES or time.monotonic() - chunk.opened >= _CHUNK_SECONDS:
                self._close()
        while self._unevaluated and (oldest is None or self._unevaluated[0].last < oldest):
            evaluated = self._unevaluated.popleft()
            place_names(evaluated)
            place_values(evaluated)
            self._put(evaluated)

    def evaluated(self, events: Sequence[Event]) -> None:
        """Note the names and values that enrichers know for these events."""
        if self._values.names:
            note_values(self._values, events, self._chunk_of)
        if self._recorded_names is not None:
            return
        chunk, process = None, None
        found: tuple[NameLine, ...] = ()
        for event in events:
            if not isinstance(event, SyscallEvent):
                continue
            if chunk is None or not chunk.first < event.num <= max(chunk.last, chunk.first):
                chunk = self._chunk_of(event.num)
            if chunk is None:
                continue
            if event.process is process is not None and event.type not in IDS:
                chunk.names.append((event.num, found))
            else:
                process, found = event.process, self._enriched_names.add(event, chunk)

    def alert(self, alert: Alert) -> None:
        """Pass the alert to the outputs, which may begin a capture."""
        for output in self._outputs:
            output.alert(alert)

    def tick(self, oldest: int | None) -> list[str]:
        """Close the current chunk; return the problems."""
        if self._chunk is not None and self._chunk.count:
            self._close()
        self.flush(oldest)
        problems: list[str] = []
        for output in self._outputs:
            output.tick()
            problems.extend(output.take_problems())
        return problems

    def shrink(self) -> int:
        """Drop the look back of captures because memory is short; return the number of chunks."""
        return sum(output.shrink() for output in self._outputs)

    async def wait_capacity(self) -> None:
        """Wait until the files have caught up."""
        for output in self._outputs:
            while not await asyncio.to_thread(output.wait_capacity):
                pass

    async def close(self, seconds: float) -> list[str]:
        """Write the rest within this time; return the problems."""
        problems = self.tick(None)
        for output in self._outputs:
            await asyncio.to_thread(output.close, seconds)
            problems.extend(output.take_problems())
        return problems

    def _open(self) -> Chunk:
        due = self._section is None or any(output.due() for output in self._outputs)
        if self._chunk is not None and not due:
            return self._chunk
        if self._chunk is not None:
            self._close()
        number = self._number()
        if self._section is None or due:
            snapshot = None if self._state is None else self._state.snapshot()
            live = self._live if self._recorded_names is None else self._recorded_names.live
            self._section = Section(self._about, number, snapshot, live=live, values=self._values.names)
            self._encoder.section()
            self._changes = -1
        self._chunk = Chunk(self._section)
        self._chunk.first = number
        return self._chunk

    def _number(self) -> int:
        return self._last if self._state is None else self._state.number

    def _close(self) -> None:
        if self._chunk is not None:
            self._unevaluated.append(self._chunk)
            self._chunk = None

    def _put(self, chunk: Chunk) -> None:
        for output in self._outputs:
            output.put(chunk)

    def _chunk_of(self, number: int) -> Chunk | None:
        for chunk in self._unevaluated:
            if chunk.first < number <= chunk.last:
                return chunk
        return self._chunk

    def _on_lookup(self, found: ProcSnapshot) -> None:
        """Record the result of a /proc lookup by the state: a replay needs the same result."""
        if self._chunk is not None:
            event = SyscallEvent("syscall", "_looked", 0, tid=found.tid, observed=found)
            self._chunk.preamble.extend(self._encoder.encode((event,), 0))
