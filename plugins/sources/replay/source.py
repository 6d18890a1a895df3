"""The source `replay`: recordings, one after the other, as fast as the sinks take the alerts or at their own pace."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from typing import Final

from mozu.core.api import (
    ChecksStart,
    Context,
    Counts,
    HasOrigin,
    Obstacle,
    ProvidesReaders,
    ReportsGaps,
    SourceUnavailable,
)
from mozu.core.filter.demand import Demand
from mozu.core.model.event import Event
from mozu.core.model.fields import Reader
from mozu.core.model.fields.entities import ProcessEntities
from mozu.core.recording.lines import HeadLine
from mozu.core.state import CHANGING
from mozu.plugins.sources.replay.field_readers import readers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.mozu_recording import MozuRecording, head_of, is_mozu_recording
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from mozu.plugins.sources.replay.settings import ReplaySettings

_AUDIT_LOG: Final = b'"apiVersion":"audit.k8s.io/'
"""Text of each line of an audit log as an API server writes it."""
_BEGINNING: Final = 4096
"""Bytes in which the first line of an audit log has this text."""
_NO_RECORDING: Final = (
    "is an audit log of Kubernetes, which is no recording: read it with the source `k8s_audit` and `files` "
    "(docs/operate/k8s-audit.md); `mozu test` tries rules on single records"
)
_FINGERPRINT: Final = 1 << 16
_NS: Final = 1_000_000_000
_MAX_STEP: Final = 3600 * _NS
"""A larger step between two events is a damaged clock or another recording, and is not waited for."""
_STOP_POLL_INTERVAL: Final = 0.2
"""Seconds after which a wait checks whether it has been stopped."""
_PACE_BATCH: Final = 1_000_000
"""ns of recorded time that may go in one batch when the pace is kept."""


class ReplaySource(ChecksStart, HasOrigin, ProvidesReaders, ReportsGaps):
    """Recordings. Implements the Source contract; `readers` brings fields that the recordings answer themselves."""

    def __init__(self, settings: ReplaySettings, context: Context, metadata: RecordingMetadata | None = None) -> None:
        self._settings, self._log = settings, context.log
        self._fields, self._event_types = context.fields, context.event_types
        self._metadata = RecordingMetadata(context.fields.lookups) if metadata is None else metadata
        self._wanted: frozenset[str] | None = None
        self._recording: ScapRecording | MozuRecording | None = None
        self._gaps: list[str] = []
        self._counts: dict[str, Counts] = {}
        self._stopped = False

    @cached_property
    def origin(self) -> str:
        """Identity of the recordings' content: reading them again gives the same alerts the same ids.

        Parts of one recording of mozu's own have that of what was recorded, and the alerts the ids they had then.
        """
        recorded = {"" if head is None else head.origin for head in self._heads()}
        if len(recorded) == 1 and "" not in recorded:
            return recorded.pop()
        digest = blake2b(digest_size=12)
        with suppress(OSError):  # `start` reports it
            for path in self._settings.files:
                with path.open("rb") as file:
                    digest.update(file.read(_FINGERPRINT))
                digest.update(str(path.stat().st_size).encode())
        return f"recording/{digest.hexdigest()}"

    def _heads(self) -> list[HeadLine | None]:
        """Return the first line of each file; None for one that is not mozu's own."""
        found: list[HeadLine | None] = []
        for path in self._settings.files:
            try:
                with path.open("rb") as file:
                    found.append(head_of(file) if is_mozu_recording(file) else None)
            except OSError:  # `start` reports it
                found.append(None)
        return found

    @property
    def recorded_names(self) -> RecordingMetadata:
        """The users and containers of the recordings."""
        return self._metadata

    def take_gaps(self) -> list[str]:
        """Losses that the recordings report, since the last call, each as a sentence."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def readers(self) -> Mapping[str, Callable[[str | None], Reader]]:
        """Fields that only a recording can answer (see `Enricher.readers`)."""
        names = frozenset(name for head in self._heads() if head is not None for name in head.values)
        self._metadata.value_names = names
        return {**readers(self._metadata), **self._metadata.values.readers(names, self._fields)}

    def obstacles(self) -> Sequence[Obstacle]:
        """Return the files that cannot be read, and audit logs of Kubernetes."""
        found = []
        for path in self._settings.files:
            try:
                with path.open("rb") as file:
                    if path.is_file() and _AUDIT_LOG in file.read(_BEGINNING):
                        found.append(Obstacle(f"{path} {_NO_RECORDING}", refuses=True))
            except OSError as error:
                text = f"{path} cannot be read ({error.strerror}): name a recording that mozu may open"
                found.append(Obstacle(text, refuses=True))
        return found

    async def start(self, demand: Demand) -> None:
        """Raises SourceUnavailable where a file cannot be read."""
        for obstacle in self.obstacles():
            raise SourceUnavailable(f"replay: {obstacle.reason}")
        self._metadata.lookups.first_time = 0
        self._metadata.lookups.entities = ProcessEntities(self.origin, live=False)
        await self.update(demand)

    async def update(self, demand: Demand) -> None:
        """Yield only what is in demand, and what the state needs."""
        types = demand.of("syscall")
        if "*" in types:
            self._wanted = None
        else:
            self._wanted = frozenset(types) | CHANGING
        if self._recording is not None:
            self._recording.want(self._wanted)

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        """Every file in turn. Raises SourceBroken where one cannot be read on; its alerts so far stand."""
        pace = _Pace() if self._settings.speed == "real" else None
        number = 0
        for path in self._settings.files:
            with path.open("rb") as file:
                recording: ScapRecording | MozuRecording
                if is_mozu_recording(file):
                    recording = MozuRecording(file, str(path), self._metadata, self._event_types)
                else:
                    recording = ScapRecording(file, str(path), self._metadata, number)
                self._recording = recording
                recording.want(self._wanted)
                for batch in recording.batches():
                    if isinstance(recording, MozuRecording):
                        self._gaps += recording.gaps
                        recording.gaps = []
                    if self._stopped:
                        return
                    if pace is None:
                        yield batch
                        continue
                    for part in pace.parts(batch):
                        await self._wait(pace, part)
                        yield part
                number = recording.number
                self._flush_counts(recording)
                self._log_unreadable(recording)

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts of each type."""
        if self._recording is None:
            return self._counts
        return _sum(self._counts, self._recording.counts())

    async def stop(self) -> None:
        """End after the batch that is being yielded."""
        self._stopped = True

    async def _wait(self, pace: "_Pace", part: Sequence[Event]) -> None:
        while not self._stopped:
            left = pace.until(part)
            if left <= 0:
                return
            await asyncio.sleep(min(left, _STOP_POLL_INTERVAL))

    def _flush_counts(self, recording: ScapRecording | MozuRecording) -> None:
        self._counts = _sum(self._counts, recording.counts())
        self._recording = None

    def _log_unreadable(self, recording: ScapRecording | MozuRecording) -> None:
        if recording.unreadable:
            self._log.warning(
                "%s: %d events of old versions that no conversion fits were skipped",
                recording.name,
                recording.unreadable,
            )


def _sum(one: Mapping[str, Counts], other: Mapping[str, Counts]) -> dict[str, Counts]:
    total = dict(one)
    for name, counts in other.items():
        mine = total.get(name, Counts())
        total[name] = Counts(
            seen=mine.seen + counts.seen,
            filtered=mine.filtered + counts.filtered,
            received=mine.received + counts.received,
        )
    return total


class _Pace:
    """Recorded time against this machine's clock. Clocks in recordings step back and lie: only sane steps count."""

    def __init__(self) -> None:
        self._begun = time.monotonic_ns()
        self._elapsed = 0
        self._last = 0

    def parts(self, batch: Sequence[Event]) -> list[Sequence[Event]]:
        """Cut a batch where recorded time moves on, so that no event comes much too early."""
        cuts = [0]
        start = 0
        for index, event in enumerate(batch):
            if not start:
                start = event.time
            elif event.time - start > _PACE_BATCH:
                cuts.append(index)
                start = event.time
        return [batch[at:end] for at, end in zip(cuts, [*cuts[1:], len(batch)], strict=True)]

    def until(self, part: Sequence[Event]) -> float:
        """Seconds until the first event of a part is due."""
        due = next((event.time for event in part if event.time), 0)
        step = due - self._last
        if due and self._last and 0 < step <= _MAX_STEP:
            self._elapsed += step
        if due:
            self._last = due
        return (self._begun + self._elapsed - time.monotonic_ns()) / _NS
