"""A full recording (`record.file`): every event, with rotation into parts of bounded size and age."""

import time

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.recording.section import Chunk, Section
from mozu.core.recording.writer import RecordingWriter


class FullRecording:
    """An output that writes every chunk. `most_bytes`, `most_seconds`: maximum of a part, then the next begins; 0: no
    limit."""

    def __init__(
        self, writer: RecordingWriter, metrics: Metrics, *, most_bytes: int = 0, most_seconds: float = 0.0
    ) -> None:
        self._writer, self._most_bytes, self._most_seconds = writer, most_bytes, most_seconds
        self._lost_total = metrics.counter("recorded_events_lost_total")
        self._section: Section | None = None
        """Section of the current file; None: the next chunk needs the header of its section."""
        self._broken: Section | None = None
        """Section in which a chunk was dropped: the rest of it is not written."""
        self._lost = self._reported = 0
        self._failed = False

    def due(self) -> bool:
        """Return True if a section should begin: a part is full, or a chunk was dropped."""
        return self._broken is not None or self._full()

    def put(self, chunk: Chunk) -> None:
        """Write a chunk, after the header of its section if the file has none. If the queue of the writer is full, drop
        it."""
        section = chunk.section
        if section is self._broken:
            self._drop(chunk)
            return
        self._broken = None
        begins = self._section is None or (section is not self._section and self._full())
        if begins:
            lost, part = self._lost, self._section is not None and not self._lost
            if not self._writer.put(lambda: section.text(lost), 0, part=part):
                self._drop(chunk)
                return
        if not self._writer.put(chunk.text, chunk.size):
            self._drop(chunk)
            return
        if begins:
            self._lost = 0
        self._section = section

    def _full(self) -> bool:
        if self._section is None:
            return False
        age = time.monotonic() - self._writer.begun
        return bool(
            (self._most_bytes and self._writer.size >= self._most_bytes)
            or (self._most_seconds and age >= self._most_seconds)
        )

    def _drop(self, chunk: Chunk) -> None:
        self._broken, self._section = chunk.section, None
        self._lost += chunk.count
        self._lost_total.value += chunk.count

    def alert(self, alert: Alert) -> None:
        """Ignore alerts: evaluating the events again makes them."""

    def tick(self) -> None:
        """Do nothing: no part of a full recording depends on time alone."""

    def shrink(self) -> int:
        """Return 0: the chunks that wait for the disk exist nowhere else."""
        return 0

    def wait_capacity(self) -> bool:
        """Wait for the writer; return True if it can take more."""
        return self._writer.wait_capacity()

    def close(self, seconds: float) -> None:
        """Write the rest."""
        self._writer.end()
        self._writer.join(seconds)

    def take_problems(self) -> list[str]:
        """Return losses, and the reason the recording has stopped."""
        found = []
        if self._writer.problem and not self._failed:
            self._failed = True
            found.append(f"recording has stopped: {self._writer.problem}")
        if self._lost_total.value > self._reported:
            if not self._failed:
                fresh = self._lost_total.value - self._reported
                found.append(f"{fresh} events were not recorded, because the disk did not keep up")
            self._reported = self._lost_total.value
        return found
