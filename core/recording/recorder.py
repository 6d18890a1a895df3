"""The recorder: the pipeline's stage that takes one source's events into recordings.

Events are encoded before the state machine has seen them, in chunks. A chunk goes to its files once its events have
been evaluated, for what enrichers came to know of them meanwhile stands before it. Sections begin where a file does,
after a loss, and as often as a look back needs them.
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
    """Where chunks go."""

    def due(self) -> bool:
        """Whether a section should begin."""

    def put(self, chunk: Chunk) -> None:
        """Take a chunk, or count it as lost; never waits."""

    def alert(self, alert: Alert) -> None:
        """An alert was raised by an event of this source, whose chunk has not been put yet."""

    def tick(self) -> None:
        """About a second has passed."""

    def shrink(self) -> int:
        """Memory is short: give up what was only kept in case it is wanted; how many chunks."""

    def wait_capacity(self) -> bool:
        """Wait a second at most for the writer to catch up, on a thread; whether it has."""

    def close(self, seconds: float) -> None:
        """Write what is left, within this time; on a thread."""

    def take_problems(self) -> list[str]:
        """What went wrong since the last call, a sentence each."""


class RecordStage(Protocol):
    """What the pipeline calls, in the order in which a batch passes."""

    def record(self, events: Sequence[Event]) -> None:
        """A batch as its source gave it, before the state machine."""

    def evaluated(self, events: Sequence[Event]) -> None:
        """These events are about to be evaluated: enrichers have answered for them."""

    def alert(self, alert: Alert) -> None:
        """An alert was raised by one of the events."""

    def flush(self, oldest: int | None) -> None:
        """The batch is in the state. `oldest` is the number of the first event that is still held; None: none is."""

    def tick(self, oldest: int | None) -> list[str]:
        """About a second has passed; gives what went wrong."""

    def shrink(self) -> int:
        """Memory is short: give up the look back of captures; how many chunks."""

    async def wait_capacity(self) -> None:
        """Backpressure: wait until the files have caught up. For sources that can wait."""

    async def close(self, seconds: float) -> list[str]:
        """Nothing follows: write what is left, within this time; gives what went wrong."""


class NoRecorder:
    """The stage where nothing is recorded."""

    def record(self, events: Sequence[Event]) -> None:
        """Nothing."""

    def evaluated(self, events: Sequence[Event]) -> None:
        """Nothing."""

    def alert(self, alert: Alert) -> None:
        """Nothing."""

    def flush(self, oldest: int | None) -> None:
        """Nothing."""

    def tick(self, oldest: int | None) -> list[str]:
        """Nothing goes wrong."""
        return []

    def shrink(self) -> int:
        """There is nothing."""
        return 0

    async def wait_capacity(self) -> None:
        """There is nothing to wait for."""

    async def close(self, seconds: float) -> list[str]:
        """Nothing goes wrong."""
        return []


class Recorder:
    """Cuts the events of one source into chunks and hands them to its outputs."""

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
        """Number of the newest event, where there is no state that knows it."""
        self._section: Section | None = None
        self._chunk: Chunk | None = None
        self._unevaluated: deque[Chunk] = deque()
        """Closed chunks whose events have not all been evaluated."""
        self._changes = -1
        self._written = metrics.counter("recorded_events_total")
        metrics.gauge("recorded_events_unwritable_total", lambda: self._encoder.unwritable)
        if state is not None:
            state.on_lookup(self._on_lookup)

    def use(self, outputs: Sequence[RecordingOutput], enriched_names: EnrichedNames, values: PluginValues) -> None:
        """These from the next chunk on, which begins a section (a reload). Those before get everything until now, where
        names may be missing that enrichers have not given yet."""
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
        """Where chunks go."""
        return self._outputs

    def record(self, events: Sequence[Event]) -> None:
        """A batch as its source gave it, before the state machine."""
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
        """Give chunks to the outputs whose events have all been evaluated."""
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
        """Note what enrichers know of these events."""
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
        """Hand the alert to the outputs: captures begin there."""
        for output in self._outputs:
            output.alert(alert)

    def tick(self, oldest: int | None) -> list[str]:
        """Close the chunk at hand; gives what went wrong."""
        if self._chunk is not None and self._chunk.count:
            self._close()
        self.flush(oldest)
        problems: list[str] = []
        for output in self._outputs:
            output.tick()
            problems.extend(output.take_problems())
        return problems

    def shrink(self) -> int:
        """Memory is short: give up the look back of captures; how many chunks."""
        return sum(output.shrink() for output in self._outputs)

    async def wait_capacity(self) -> None:
        """Wait until the files have caught up."""
        for output in self._outputs:
            while not await asyncio.to_thread(output.wait_capacity):
                pass

    async def close(self, seconds: float) -> list[str]:
        """Write what is left, within this time; gives what went wrong."""
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
        """The state has asked /proc for a task: a replay needs the same answer."""
        if self._chunk is not None:
            event = SyscallEvent("syscall", "_looked", 0, tid=found.tid, observed=found)
            self._chunk.preamble.extend(self._encoder.encode((event,), 0))
