"""Sections of a recording, each readable on its own because it begins with a snapshot of the state, and their
chunks."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from mozu.core.model.event import Address, SyscallEvent
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.value_types import Json
from mozu.core.recording.encode import RecordingEncoder, line
from mozu.core.recording.lines import VERSION, HeadLine, NameLine, StartLine
from mozu.core.state.snapshot import Snapshot

_BATCH: Final = 500


class RecordingInfo(msgspec.Struct, frozen=True):
    """Constant facts of a recording."""

    source: str
    origin: str
    writer: str
    """Name and version of the program that writes."""
    names: Lookups
    versions: Mapping[str, int] = {}
    """Type of a source's own event → its version; 1 for types not listed."""


class Section:
    """A part of a recording at which reading can begin. Its text is made only when written."""

    def __init__(
        self, about: RecordingInfo, number: int, snapshot: Snapshot | None, *, live: bool, values: Iterable[str] = ()
    ) -> None:
        """`values`: fields of plugins whose values are recorded."""
        self.begun = time.time_ns()
        self.metadata: dict[tuple[str, ...], msgspec.Struct] = {}
        """The newest line on each user, group, container and host, by subject."""
        self.names_of: dict[tuple[object, ...], tuple[float, tuple[NameLine, ...]]] = {}
        """A user in a container → time at which its names must be read again, and their lines."""
        self.hosts: Mapping[Address, tuple[str, ...]] = {}
        """Names of addresses as last written."""
        self._snapshot, self._first_time = snapshot, about.names.first_time
        self._head = HeadLine(
            version=VERSION, writer=about.writer, source=about.source, live=live, origin=about.origin,
            hostname=about.names.hostname, number=number, time=self.begun,
            addresses=tuple(sorted(about.names.addresses.known)), named=about.names.user is not Lookups().user,
            values=tuple(values), host_id=about.names.entities.host_id, boot_id=about.names.entities.boot_id,
            boot_offset=about.names.entities.boot_offset,
        )  # fmt: skip

    def text(self, lost: int = 0) -> Iterator[bytes]:
        """Yield the lines that begin the section; safe on any thread."""
        yield line(msgspec.structs.replace(self._head, lost=lost))
        if self._first_time:
            yield line(StartLine(self._first_time))
        if self._snapshot is None:
            return
        encoder, events = RecordingEncoder(), list[SyscallEvent]()
        for event in self._snapshot.events():
            events.append(event)
            if len(events) >= _BATCH:
                yield from encoder.encode(events, 0)
                events.clear()
        yield from encoder.encode(events, 0)


class Chunk:
    """Lines of a section that are written together."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.preamble: list[bytes] = []
        """Lines that must precede the first event: names, answers of /proc."""
        self.parts: list[bytes] = []
        self.names: list[tuple[int, tuple[NameLine, ...]]] = []
        """(number of an event, lines on its names at evaluation), until they are placed."""
        self.values: list[tuple[int, tuple[tuple[str, Json], ...]]] = []
        """(number of an event, values of plugins' fields), until they are placed."""
        self.size = 0
        """Bytes, without the preamble."""
        self.count = 0
        """Number of events."""
        self.opened = time.monotonic()
        self.first = self.last = 0
        """Numbers of the last event before the chunk and of its own last event."""
        self.time = 0
        """Time of the last event, ns since the epoch."""

    def insert(self, number: int, text: bytes) -> None:
        """Insert a line before the line of an event."""
        start = re.compile(rb'^\["[^_"][^"]*","[^"]*",%d,' % number, re.MULTILINE)
        for place, part in enumerate(self.parts):
            found = start.search(part)
            if found is not None:
                self.parts[place : place + 1] = [part[: found.start()], text, part[found.start() :]]
                return
        self.preamble.append(text)

    def text(self) -> Iterator[bytes]:
        """Yield the lines."""
        yield from self.preamble
        yield from self.parts
