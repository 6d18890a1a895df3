"""Captures around alerts: the last seconds are kept in memory and written, with what follows, when an alert requests
it."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.recording.section import Chunk, Section
from mozu.core.recording.writer import RecordingFiles, RecordingWriter

_NS: Final = 1_000_000_000
_MS: Final = 1_000_000
_MIN_SECTION: Final = 1.0
"""Minimum seconds of a section, however short the look back is."""
_GRACE: Final = 1 * _NS
"""Nanoseconds to wait after the end of a capture for events that are still in progress."""
_log = logging.getLogger("mozu.capture")


class CapturePlan(msgspec.Struct, frozen=True):
    """Settings of captures."""

    prefix: Path
    """FILE = PREFIX_TIME_NUMBER.jsonl.gz"""
    every_rule: bool = False
    """True if any alert starts a capture, not only the alerts of rules with `capture: true`."""
    before: float = 5.0
    """Seconds kept before an alert."""
    after: float = 5.0
    """Seconds kept after an alert, if its rule sets none."""
    memory: int = 32 << 20
    """Maximum bytes kept for the look back."""
    most_bytes: int = 0
    """Maximum compressed bytes of one capture; 0: no limit."""


class _KeptSection:
    """A section with its chunks."""

    def __init__(self, section: Section) -> None:
        self.section, self.size = section, 0
        self.chunks: list[Chunk] = []


class Captures:
    """An output that writes only around alerts. One capture runs at a time; alerts during a capture extend it."""

    def __init__(self, plan: CapturePlan, live: bool, metrics: Metrics) -> None:
        self._plan, self._live, self._metrics = plan, live, metrics
        self._past: deque[_KeptSection] = deque()
        self._given_up: Section | None = None
        """Section in which the look back was dropped: the rest of the section is useless, and the next section is
        due."""
        self._writer: RecordingWriter | None = None
        self._needs_header = False
        """True if nothing was kept when the capture began: the next chunk writes the header of its section."""
        self._ending: list[RecordingWriter] = []
        """Captures that have ended and may still be writing."""
        self._until = 0
        self._count = metrics.counter("captures_total")
        self._lost = metrics.counter("captured_events_lost_total")
        self._problems: list[str] = []

    def due(self) -> bool:
        """Return True if a section should begin: a look back can begin only at the start of a section."""
        if not self._past:
            return self._given_up is not None
        newest = self._past[-1]
        age = time.time_ns() - newest.section.begun
        return age >= max(self._plan.before, _MIN_SECTION) * _NS or newest.size >= self._plan.memory // 2

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk, and write it if a capture runs."""
        if chunk.section is self._given_up:
            return
        self._given_up = None
        if not self._past or self._past[-1].section is not chunk.section:
            self._past.append(_KeptSection(chunk.section))
        newest = self._past[-1]
        newest.chunks.append(chunk)
        newest.size += chunk.size
        self._evict()
        if self._writer is not None:
            self._write(self._writer, chunk)

    def shrink(self) -> int:
        """Drop the look back, unless a capture runs (its section may be the same); return the number of chunks."""
        count = 0 if self._writer is not None else sum(len(kept.chunks) for kept in self._past)
        if count:
            self._given_up = self._past[-1].section
            self._past.clear()
        return count

    def _write(self, writer: RecordingWriter, chunk: Chunk) -> None:
        text = partial(_text, chunk.section, [chunk]) if self._needs_header else chunk.text
        self._needs_header = False
        if not writer.put(text, chunk.size):
            self._lost.value += chunk.count
            self._end("a part of it was lost, because the disk did not keep up")
        elif chunk.time > self._until:
            self._end()
        elif self._plan.most_bytes and writer.size >= self._plan.most_bytes:
            self._end("it has reached its greatest size")

    def _evict(self) -> None:
        """Drop the oldest sections: the look back begins with the newest section that is old enough, within
        `memory`."""
        past, old = self._past, time.time_ns() - self._plan.before * _NS
        while len(past) > 1 and (
            past[1].section.begun <= old or sum(kept.size for kept in past) > self._plan.memory
        ):
            past.popleft()

    def alert(self, alert: Alert) -> None:
        """Begin a capture, or extend the running one."""
        if alert.capture is None and not self._plan.every_rule:
            return
        after = alert.capture * _MS if alert.capture else int(self._plan.after * _NS)
        self._until = max(self._until, alert.time + after)
        if self._writer is None:
            self._begin(alert)

    def _begin(self, alert: Alert) -> None:
        prefix = self._plan.prefix
        path = prefix.with_name(f"{prefix.name}_{alert.time:020d}_{alert.event_num:020d}.jsonl.gz")
        _log.info("rule %r: capturing to %s", alert.rule, path)
        self._until = max(self._until, alert.time)
        self._count.value += 1
        self._writer = RecordingWriter(RecordingFiles(path), self._metrics, lambda _: None)
        self._needs_header = not self._past
        if self._past:
            chunks = [chunk for kept in self._past for chunk in kept.chunks]
            self._writer.put(partial(_text, self._past[0].section, chunks), 0, force=True)

    def tick(self) -> None:
        """End captures that are over on a quiet machine; note failures."""
        if self._writer is not None and self._live and time.time_ns() > self._until + _GRACE:
            self._end()
        for writer in (*self._ending, *([] if self._writer is None else [self._writer])):
            if writer.problem:
                self._problems.append(f"a capture has stopped: {writer.problem}")
                if writer is self._writer:
                    self._writer = None
        self._ending = [writer for writer in self._ending if writer.alive]

    def wait_capacity(self) -> bool:
        """Wait for the writer of the running capture, if any; return True if it can take more."""
        return self._writer is None or self._writer.wait_capacity()

    def close(self, seconds: float) -> None:
        """Write the rest."""
        self._end()
        for writer in self._ending:
            writer.join(seconds)
        self.tick()

    def take_problems(self) -> list[str]:
        """Return captures that ended early or could not be written."""
        problems, self._problems = self._problems, []
        return problems

    def _end(self, why: str = "") -> None:
        if self._writer is None:
            return
        self._writer.end()
        self._ending.append(self._writer)
        self._writer, self._until = None, 0
        if why:
            self._problems.append(f"a capture ended early: {why}")


def _text(section: Section, chunks: list[Chunk]) -> Iterator[bytes]:
    yield from section.text()
    for chunk in chunks:
        yield from chunk.text()
