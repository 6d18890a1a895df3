"""Recorded events as `SyscallEvent`s, fast: how an event is decoded is compiled once for each *shape*, and cached.

A shape is an event number with the lengths of its parameters; recordings consist of few. It holds one compiled `struct`
for all parameters and, where texts or addresses must be made, one function that makes them. A hostile file can invent
shapes without end, so they are forgotten when there are too many.
"""

import struct
from collections.abc import Callable, Container
from functools import cache
from typing import Any, Final

from mozu.core.api import Counts
from mozu.core.model.syscalls import event_types
from mozu.plugins.sources.replay.layouts import EventLayout, call_names, layouts
from mozu.plugins.sources.replay.params import FIXED, WIDTH, decode, reader

Maker = Callable[[bytes], Any] | None
Finish = Callable[[tuple[Any, ...]], tuple[Any, ...]]

_SHAPE_LIMIT: Final = 1 << 15
_MAX_VARIABLE: Final = 4
"""Parameters of variable length."""
_EVENT_FRAME: Final = 14
"""Bytes of a plain event block around the event: type, length, processor, and the length again."""

GENERIC: Final = "syscall"


class EventKind:
    """The common properties of the events of one number, and how their parameters are read one by one."""

    __slots__ = ("descriptor", "encodings", "enters", "generic", "name", "repeats")

    def __init__(self, layout: EventLayout) -> None:
        self.name = layout.name
        self.encodings = layout.encodings
        self.descriptor = descriptor_index(layout)
        self.generic = layout.name == GENERIC
        self.enters = layout.kind == "syscall" and not layout.is_exit
        self.repeats = sum(encoding not in FIXED for encoding in layout.encodings) <= _MAX_VARIABLE
        """True if lengths repeat often enough to be remembered; those of programs' arguments do not."""

    def read(self, params: list[bytes]) -> tuple[Any, ...]:
        """Return their values; missing ones are None."""
        values = [decode(encoding, raw) for encoding, raw in zip(self.encodings, params, strict=False)]
        return (*values, *(None,) * (len(self.encodings) - len(values)))


@cache
def kind_of(number: int) -> EventKind:
    """The kind of an event number that has a layout."""
    return EventKind(layouts()[number])


class EventShape:
    """Reads the parameters of events that have the same shape."""

    __slots__ = ("count", "data", "descriptor", "finish", "kind", "least", "name", "skip", "special", "unpack")

    def __init__(self, layout: EventLayout, lengths: tuple[int, ...], data: int, size: int) -> None:
        form, self.finish = _plan(layout, lengths)
        self.unpack: Callable[[bytes, int], tuple[Any, ...]] = form.unpack_from
        self.kind = kind_of(layout.id)
        self.name = layout.name
        self.descriptor = self.kind.descriptor
        self.special = self.kind.generic or self.kind.enters
        """Not simply an event of its name."""
        self.data = data
        """Offset of the parameters from the beginning of the block."""
        self.least = size + _EVENT_FRAME
        """The shortest block that holds such an event."""
        self.skip = False
        """No demand for its type."""
        self.count = 0


def descriptor_index(layout: EventLayout) -> int:
    """Which parameter is the descriptor that the event is about; -1: none."""
    if "creates" in layout.traits:
        return 0
    if "uses" in layout.traits or "destroys" in layout.traits:
        for index, encoding in enumerate(layout.encodings):
            if encoding == "FD" and index:
                return index
    return -1


def _plan(layout: EventLayout, lengths: tuple[int, ...]) -> tuple[struct.Struct, Finish | None]:
    """The `struct` of the present parameters, and what must be done with what it gives."""
    codes = ["<"]
    makers: list[Maker] = []
    present: list[bool] = []
    for encoding, length in zip(layout.encodings, lengths, strict=False):
        code, maker, there = _part(encoding, length)
        codes.append(code)
        present.append(there)
        if there:
            makers.append(maker)
    present += [False] * (len(layout.encodings) - len(present))
    return struct.Struct("".join(codes)), _finish(tuple(present), tuple(makers))


def _part(encoding: str, length: int) -> tuple[str, Maker, bool]:
    if not length:
        return "", None, False
    if encoding in FIXED:
        return (FIXED[encoding], None, True) if length == WIDTH[encoding] else (f"{length}x", None, False)
    return f"{length}s", reader(encoding), True


_finishers: dict[tuple[tuple[bool, ...], tuple[Maker, ...]], Finish] = {}


def _finish(present: tuple[bool, ...], makers: tuple[Maker, ...]) -> Finish | None:
    if all(present) and not any(makers):
        return None
    made = _finishers.get((present, makers))
    if made is None:
        if len(_finishers) >= _SHAPE_LIMIT:
            _finishers.clear()
        made = _finishers[present, makers] = _generate(present, makers)
    return made


def _generate(present: tuple[bool, ...], makers: tuple[Maker, ...]) -> Finish:
    """Compile one expression for the whole tuple. It is three times faster than a loop, and runs for each path."""
    names: dict[str, Any] = {f"m{index}": maker for index, maker in enumerate(makers) if maker is not None}
    items: list[str] = []
    at = 0
    for there in present:
        if not there:
            items.append("None")
            continue
        items.append(f"v[{at}]" if makers[at] is None else f"m{at}(v[{at}])")
        at += 1
    made: Finish = eval(f"lambda v: ({''.join(item + ',' for item in items)})", names)
    return made


class ShapeCache:
    """The shapes met so far, by the bytes of an event's header from its length to the end of its array of lengths."""

    def __init__(self) -> None:
        self.known: dict[bytes, EventShape] = {}
        self._counts: dict[str, Counts] = {}
        self._wanted: Container[str] | None = None

    def want(self, names: Container[str] | None) -> None:
        """Event types in demand, by name; None: all."""
        self._flush_counts()
        self._wanted = names

    def wants(self, name: str) -> bool:
        """Return whether events of this type are in demand."""
        return self._wanted is None or name in self._wanted

    def keep(self, key: bytes, shape: EventShape) -> None:
        """Remember; when there are too many, start again."""
        if len(self.known) >= _SHAPE_LIMIT:
            self._flush_counts()
        shape.skip = not shape.special and not self.wants(shape.name)
        self.known[key] = shape

    def note(self, name: str, *, received: bool, count: int = 1) -> None:
        """Count events of this type."""
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = Counts()
        counts.seen += count
        if received:
            counts.received += count
        else:
            counts.filtered += count

    def counts(self) -> dict[str, Counts]:
        """Return the counts of each type."""
        for shape in self.known.values():
            if shape.special:
                continue
            self.note(shape.name, received=not shape.skip, count=shape.count)
            shape.count = 0
        return self._counts

    def _flush_counts(self) -> None:
        self.counts()
        self.known.clear()


@cache
def generic_calls() -> dict[int, tuple[str, tuple[None, ...]]]:
    """Portable number → name and parameters of a call that was recorded without any.

    A recorder older than an event type wrote its calls this way: they have the type's parameters, all absent, but none
    that are mozu's own.
    """
    counts = {name: 0 if kind.own_params else len(kind.params) for name, kind in event_types().items()}
    return {code: (name, (None,) * counts.get(name, 0)) for code, name in call_names().items()}
