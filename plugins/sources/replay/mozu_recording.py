"""Reads a recording of mozu's own, line by line, with the interface of `ScapRecording`."""

import zlib
from collections.abc import Container, Iterator, Mapping
from typing import BinaryIO, Final

from mozu.core.api import Counts, DataEventType, SourceBroken
from mozu.core.model.event import DataEvent, Event
from mozu.core.recording import lines
from mozu.core.recording.decode import Malformed, RecordingDecoder, other
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.scap_recording import BATCH
from mozu.plugins.sources.replay.stream import Corrupt, RecordingStream

_LINE_LIMIT: Final = 1 << 25
_EVENT: Final = b"["
_EVENTS: Final = (_EVENT, b'{"line":"data",')
"""The beginnings of events' lines. Any other line ends a batch, since it may change the answers of fields."""
_PEEK: Final = 4096
_GZIP: Final = 31


def is_mozu_recording(file: BinaryIO) -> bool:
    """Return whether a file's first bytes are those of such a recording. The file is left at its beginning."""
    head = file.read(_PEEK)
    file.seek(0)
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(_GZIP).decompress(head, len(lines.MAGIC))
        except zlib.error:
            return False
    return head.startswith(lines.MAGIC)


class MozuRecording:
    """Reads a file. `metadata` may be shared with those that follow it."""

    unreadable = 0

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        metadata: RecordingMetadata,
        event_types: Mapping[tuple[str, str], DataEventType] | None = None,
    ) -> None:
        """`event_types`: source class and type → the plugin's own declaration, for events of an older version."""
        self.name = name
        self.number = 0
        """The number of the last event."""
        self.gaps: list[str] = []
        """Losses that the recording reports."""
        self._metadata, self._event_types = metadata, event_types or {}
        self._stream = RecordingStream(file)
        self._decoder = RecordingDecoder()
        self._wanted: Container[str] | None = None
        self._counts: dict[str, Counts] = {}
        self._offset = 0
        self._begun = False
        self._out: list[Event] = []

    def want(self, names: Container[str] | None) -> None:
        """Give only events of these types from now on; None: all."""
        self._wanted = names

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts of each type."""
        return self._counts

    def batches(self) -> Iterator[list[Event]]:
        """Yield all events in order, with those that make the state. Raises SourceBroken after the last good one."""
        problem = ""
        try:
            for line in self._lines():
                if len(self._out) >= BATCH or (self._out and not line.startswith(_EVENTS)):
                    yield self._take()
                self._line(line)
                self._offset += len(line) + 1
        except (Malformed, Corrupt) as error:
            problem = str(error)
        if self._out:
            yield self._take()
        if problem:
            text = f"recording {self.name}: {problem} (at byte {self._offset} of the decompressed data)"
            raise SourceBroken(text)

    def _take(self) -> list[Event]:
        batch, self._out = self._out, []
        return batch

    def _lines(self) -> Iterator[bytes]:
        """Whole lines. Raises Corrupt after the last one where the file does not end with it."""
        rest = b""
        while True:
            piece = self._stream.read()
            if not piece:
                break
            found = (rest + piece).split(b"\n")
            rest = found.pop()
            if len(rest) > _LINE_LIMIT:
                raise Corrupt(f"a line is longer than {_LINE_LIMIT} bytes", self._offset)
            yield from found
        if self._stream.damage or rest:
            raise Corrupt(self._stream.damage or "it ends in the middle of a line", self._offset)

    def _line(self, line: bytes) -> None:
        if line.startswith(_EVENT) and self._begun:
            event = self._decoder.event(line)
            if event.type.startswith("_"):
                self._out.append(event)
            else:
                self._give(event)
            return
        entry = other(line)
        if isinstance(entry, lines.HeadLine):
            self._begin(entry)
        elif not self._begun:
            raise Malformed("it does not begin as a recording does")
        elif isinstance(entry, lines.TypeLine):
            self._decoder.declare(entry)
        elif isinstance(entry, lines.DataLine):
            self._give(self._data_event(entry))
        elif isinstance(entry, lines.ValuesLine):
            self._metadata.values.load(entry)
        else:
            self._metadata.apply(entry)

    def _data_event(self, entry: lines.DataLine) -> DataEvent:
        known = self._event_types.get((entry.source, entry.type))
        data = entry.data
        if known is not None and known.upgrade is not None and entry.version < known.version:
            try:
                data = known.upgrade(entry.version, data)
            except Exception as error:
                what = f"an event {entry.type} of version {entry.version} cannot be read as version {known.version}"
                raise Malformed(f"{what}: {str(error) or type(error).__name__}") from error
        return DataEvent(entry.source, entry.type, entry.time, entry.num, data)

    def _give(self, event: Event) -> None:
        counts = self._counts.get(event.type)
        if counts is None:
            counts = self._counts[event.type] = Counts()
        counts.seen += 1
        self.number = event.num
        if self._wanted is None or isinstance(event, DataEvent) or event.type in self._wanted:
            counts.received += 1
            self._out.append(event)
        else:
            counts.filtered += 1

    def _begin(self, head: lines.HeadLine) -> None:
        if head.version > lines.VERSION:
            raise Malformed(f"its format is version {head.version}; versions up to {lines.VERSION} can be read")
        self._begun = True
        self._decoder.section()
        self._metadata.restart(head)
        if head.lost:
            self.gaps.append(f"{head.lost} events were not recorded before event {head.number}")


def head_of(file: BinaryIO) -> lines.HeadLine | None:
    """Return the first line of a recording; None if it cannot be read."""
    try:
        line = next(MozuRecording(file, "", RecordingMetadata())._lines(), b"")
        head = other(line)
    except (Malformed, Corrupt):
        return None
    return head if isinstance(head, lines.HeadLine) else None
