"""Reads a `.scap` recording, block by block, as batches of events.

The first thing that cannot be right ends the walk with one SourceBroken that names the offset; the events before it
have been given. Memory is bounded: one piece of the stream, one block, and tables with limits.
"""

import struct
from collections.abc import Container, Iterator, Mapping
from typing import Any, BinaryIO, Final

from mozu.core.api import Counts, SourceBroken
from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Entered
from mozu.plugins.sources.replay import blocks
from mozu.plugins.sources.replay.convert import Converted, Converter, is_kept
from mozu.plugins.sources.replay.cursor import RecordTruncated
from mozu.plugins.sources.replay.events import GENERIC, EventKind, EventShape, ShapeCache, generic_calls, kind_of
from mozu.plugins.sources.replay.framing import RawEvent, plain_key, raw_event
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.stream import Corrupt, RecordingStream

BATCH: Final = 2048
"""Events given at once, about."""

_HEAD: Final = struct.Struct("<IIIHQqIHI")
"""The length that ends the block before; this block's type, length, processor, time, thread, size, number, count."""
_HEAD_SIZE: Final = 36
"""The bytes of `_HEAD` that belong to this block."""
_KEY_AT: Final = 26
_MAX_COUNT: Final = 64
_MAX_BLOCK: Final = (1 << 16) + 8
_SECTION_SIZE: Final = 28
_SECTION_LIMIT: Final = 4096
_INITIAL: Final = frozenset({324, 354, 356, 358, 360, 402})
"""Events that describe the beginning, until the first of another kind."""
_METADATA: Final = _INITIAL | {228, 272}
"""Events that change the tables of users and containers; the latter are old forms."""


_UNNAMED: Final[tuple[str, tuple[None, ...]]] = (GENERIC, ())
_UNSEEN: Final = frozenset({"plugin", "iter"})
"""Events of other sources, and a recorder's own notes on its tables: they are counted, and no rule can judge them."""


class ScapRecording:
    """Reads a file. `metadata` may be shared with those that follow it, and numbers go on from `number`."""

    def __init__(self, file: BinaryIO, name: str, metadata: RecordingMetadata | None = None, number: int = 0) -> None:
        self.name = name
        self.metadata = RecordingMetadata() if metadata is None else metadata
        self.shapes = ShapeCache()
        self.number = number
        """The number of the last event."""
        self._stream = RecordingStream(file)
        self._data = b""
        self._at = 0
        self._base = 0
        self._length = 0
        self._sections = 0
        self._seeding = True
        self._initial = True
        self._cut = False
        self._converter = Converter()
        self._out: list[SyscallEvent] = []

    def want(self, names: Container[str] | None) -> None:
        """Give only events of these types from now on; None: all."""
        self.shapes.want(names)

    def batches(self) -> Iterator[list[SyscallEvent]]:
        """Yield all events in order, with those that seed the state. Raises SourceBroken after the last good one."""
        broken: SourceBroken | None = None
        while broken is None:
            try:
                more = self._fill_batch()
            except (Corrupt, RecordTruncated) as error:
                offset = error.offset if isinstance(error, Corrupt) else self._offset
                broken = SourceBroken(f"recording {self.name}: {error} (at byte {offset} of the decompressed data)")
                more = False
            if self._out:
                batch, self._out = self._out, []
                yield batch
            if not more:
                break
        if broken is not None:
            raise broken

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts of each type."""
        return self.shapes.counts()

    @property
    def unreadable(self) -> int:
        """Events that were skipped because no line of the table of conversions fits them."""
        return self._converter.failed

    # --- bytes -------------------------------------------------------------------------------------------------------

    @property
    def _offset(self) -> int:
        return self._base + self._at

    def _have(self, size: int) -> bool:
        """Read until `size` bytes follow the current position; the four before it are kept. False if there are less."""
        missing = self._at + size - len(self._data)
        if missing <= 0:
            return True
        kept = max(self._at - 4, 0)
        parts = [self._data[kept:]]
        self._base += kept
        self._at -= kept
        while missing > 0:
            piece = self._stream.read()
            if not piece:
                break
            parts.append(piece)
            missing -= len(piece)
        self._data = b"".join(parts)
        return missing <= 0

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _fill_batch(self) -> bool:
        """Read blocks until the batch is full or must be yielded early; False at the end of the recording."""
        self._cut = False
        while len(self._out) < BATCH and not self._cut:
            if not self._block():
                return False
        return True

    def _must_wait(self) -> bool:
        """Return whether ready events must be yielded first: their fields are read from tables that now change."""
        self._cut = bool(self._out)
        return self._cut

    def _block(self) -> bool:
        if not self._have(blocks.HEADER.size):
            return self._end()
        self._check_trailer()
        kind, length = blocks.HEADER.unpack_from(self._data, self._at)
        if not self._sections or (kind == blocks.SECTION and not self._seeding):
            if self._must_wait():
                return True
            self._section()
            kind, length = blocks.HEADER.unpack_from(self._data, self._at)
        problem = blocks.length_problem(kind, length)
        if problem:
            raise Corrupt(problem, self._offset)
        if not self._have(length):
            raise Corrupt(self._stream.damage or "it ends in the middle of a block", self._offset)
        if kind in blocks.EVENTS:
            self._event_block(kind, length)
        else:
            self._table_block(kind, length)
        return True

    def _end(self) -> bool:
        self._check_trailer()
        if self._stream.damage or self._at < len(self._data):
            raise Corrupt(self._stream.damage or "it ends in the middle of a block", self._offset)
        if not self._sections:
            raise Corrupt("it is not a recording: the file is empty", 0)
        return False

    def _check_trailer(self) -> None:
        if self._length and self._at >= 4:
            found = int.from_bytes(self._data[self._at - 4 : self._at], "little")
            if found != self._length:
                text = f"a block of {self._length} bytes ends with the length {found}"
                raise Corrupt(text, self._offset - self._length)

    def _pass(self, length: int, *, checked: bool = True) -> None:
        self._at += length
        self._length = length if checked else 0

    def _section(self) -> None:
        """A recording begins here."""
        whole = self._have(_SECTION_SIZE)
        problem = blocks.section_problem(self._data[self._at : self._at + _SECTION_SIZE].ljust(_SECTION_SIZE, b"\0"))
        if problem:
            raise Corrupt(problem, self._offset)
        if not whole:
            raise Corrupt("it ends within its section header", self._offset)
        self._sections += 1
        if self._sections > _SECTION_LIMIT:
            raise Corrupt(f"more than {_SECTION_LIMIT} recordings follow each other", self._offset)
        if self.number:
            self._out.append(SyscallEvent("syscall", "_reset", 0, self.number))
            self._converter.clear()
        self.metadata.begin()
        self._seeding = self._initial = True

    def _table_block(self, kind: int, length: int) -> None:
        if kind != blocks.SECTION:
            if not self._seeding:
                raise Corrupt(f"a block of type {kind:#x} stands among the events", self._offset)
            self.metadata.load(kind, self._data[self._at + 8 : self._at + length - 4])
        self._pass(length, checked=kind != blocks.SECTION)

    # --- events ------------------------------------------------------------------------------------------------------

    def _event_block(self, kind: int, length: int) -> None:
        if self._seeding:
            self._seeding = False
            self._out.extend(self.metadata.seeds(self.number))
        if kind != blocks.EVENT or not self._plain_events():
            self._unusual(kind, length)

    def _plain_events(self) -> bool:
        """The fast path: today's blocks with shapes that are known. False: the block here is not one of them."""
        data, at, before, number = self._data, self._at, self._length, self.number
        known, head, append = self.shapes.known, _HEAD.unpack_from, self._out.append
        size, first = len(data), at
        room = BATCH - len(self._out)
        while room > 0 and at + _HEAD_SIZE <= size:
            trailer, kind, length, cpu, time, tid, _, _, count = head(data, at - 4)
            if kind != blocks.EVENT or count > _MAX_COUNT or (before and trailer != before):
                break
            shape = known.get(data[at + _KEY_AT : at + _HEAD_SIZE + 2 * count])
            if shape is None or not shape.least <= length <= _MAX_BLOCK or at + length > size:
                break
            number += 1
            shape.count += 1
            if not shape.skip:
                args = shape.unpack(data, at + shape.data)
                if shape.finish is not None:
                    args = shape.finish(args)
                if shape.special:
                    self._special(shape.kind, args, cpu, time, tid, number)
                else:
                    which = shape.descriptor
                    fd = args[which] if which >= 0 else None
                    append(SyscallEvent("syscall", shape.name, time, number, tid, -1, cpu, args, None, fd))
                room -= 1
            at += length
            before = length
        self._at, self._length, self.number = at, before, number
        if at != first:
            self._initial = False
        return at != first

    def _special(self, kind: EventKind, args: tuple[Any, ...], cpu: int, time: int, tid: int, number: int) -> None:
        """Events without a name of their own, and beginnings that the state wants to see."""
        if kind.enters:
            entered = Entered(kind.name, args)
            self._out.append(SyscallEvent("syscall", "_enter", time, number, tid, -1, cpu, observed=entered))
            return
        name, absent = generic_calls().get(args[0], _UNNAMED)
        wanted = self.shapes.wants(name)
        self.shapes.note(name, received=wanted)
        if wanted:
            self._out.append(SyscallEvent("syscall", name, time, number, tid, -1, cpu, absent))

    def _unusual(self, kind: int, length: int) -> None:
        """The slow path: old blocks, shapes met for the first time, events that must be converted, metadata events."""
        raw = raw_event(self._data, self._at, length, blocks.EVENTS[kind], self._offset)
        if raw is not None and raw.layout.id in _METADATA and self._must_wait():
            return
        if raw is not None:
            converted = self._converter.convert(raw.tid, raw.layout, raw.params)
            if converted is not None:
                if not (self._initial and self._sections > 1 and raw.layout.id in _METADATA):
                    self.number += 1
                self._emit(raw, converted)
                if converted.params is raw.params and kind == blocks.EVENT and raw.layout.id not in _INITIAL:
                    self._learn(raw)
            elif raw.layout.id not in _INITIAL:
                self._initial = False
        self._pass(length)

    def _learn(self, raw: RawEvent) -> None:
        """Make the next event of this shape take the fast path, unless it must be kept for its end."""
        if not kind_of(raw.layout.id).repeats or is_kept(raw.layout, len(raw.params)):
            return
        lengths = tuple(map(len, raw.params))
        data = _HEAD_SIZE + 2 * len(lengths)
        self.shapes.keep(plain_key(self._data, self._at), EventShape(raw.layout, lengths, data, raw.size))

    def _emit(self, raw: RawEvent, converted: Converted) -> None:
        layout, params = converted.layout, converted.params
        kind = kind_of(layout.id)
        args, name = kind.read(params), layout.name
        if layout.id in _INITIAL:
            name = self.metadata.change(layout, args)
            if self._initial:
                return
        else:
            self._initial = False
            if layout.kind != "metaevent":
                self.metadata.begun(raw.time)
        if layout.kind in _UNSEEN:
            self.shapes.note(name, received=False)
            return
        if kind.generic or kind.enters:
            if not raw.hidden or kind.enters:
                self._special(kind, args, raw.cpu, raw.time, raw.tid, self.number)
            return
        wanted = self.shapes.wants(name)
        self.shapes.note(name, received=wanted)
        if not wanted:
            return
        fd = args[kind.descriptor] if kind.descriptor >= 0 else None
        event = SyscallEvent("syscall", name, raw.time, self.number, raw.tid, -1, raw.cpu, args, None, fd)
        if raw.hidden:
            event = SyscallEvent("syscall", "_unseen", raw.time, self.number, raw.tid, observed=event)
        self._out.append(event)
