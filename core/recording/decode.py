"""Decoding of recordings: lines to events. Every line is validated first; a malformed line is refused as a whole."""

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_types
from mozu.core.recording.lines import (
    ENTERED,
    INTERNAL,
    OBSERVATIONS,
    UNSEEN,
    Descriptor,
    Number,
    Other,
    Task,
    TypeLine,
    types_of,
)
from mozu.core.state.observed import Entered

_SHAPES_LIMIT: Final = 1 << 12
_START_LIMIT: Final = 512
_TIMES: Final = 1 << 64
_other: Final[Callable[[bytes], Other]] = msgspec.json.Decoder(Other).decode


T = TypeVar("T")


class Malformed(ValueError):
    """Raised for a line that cannot be read; the message is one sentence."""


class RecordingDecoder:
    """Decode the lines of one recording."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, _Shape] = {}
        self._declared: dict[str, tuple[str, ...]] = {}

    def section(self) -> None:
        """Begin a section: each section declares its types itself."""
        self._declared.clear()
        self._shapes.clear()

    def declare(self, declared: TypeLine) -> None:
        """Note the parameters of a type of event."""
        if self._declared.get(declared.name) != declared.params:
            self._declared[declared.name] = declared.params
            self._shapes.clear()

    def event(self, line: bytes) -> SyscallEvent:
        """Decode the event of a line. Raises Malformed."""
        end = line.find(b",", line.find(b",") + 1)
        shape = self._shapes.get(line[:end])
        try:
            if shape is None:
                shape = self._learn(line[:end])
            values = shape.read(line)
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise Malformed(f"a line cannot be read: {str(error) or type(error).__name__}") from None
        return shape.event(values)

    def _learn(self, start: bytes) -> "_Shape":
        if len(self._shapes) >= _SHAPES_LIMIT:
            self._shapes.clear()
        shape = self._shapes[start] = _Shape(start, self._declared)
        return shape


def other(line: bytes) -> Other:
    """Decode a line that is an object. Raises Malformed."""
    try:
        return _typed(line, _other, Other)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise Malformed(f"a line cannot be read: {str(error) or type(error).__name__}") from None


class _Shape:
    """Decoder of lines with the same beginning: one typed decoder for all items."""

    __slots__ = ("_decode", "_observed_form", "_order", "_type")

    def __init__(self, start: bytes, declared: dict[str, tuple[str, ...]]) -> None:
        kind, form = _start(start)
        letters, colon, self._observed_form = form.partition(":")
        if INTERNAL.get(kind, self._observed_form.partition("=")[0]) != self._observed_form.partition("=")[0]:
            raise ValueError(f"an event {kind} lacks the observation that belongs to it")
        self._order = _order(kind, declared.get(kind))
        whole = [str, str, Number, int, Task, Task, Number, Descriptor | None, types_of(letters)]
        if colon:
            whole += [File | None, _observed_type(self._observed_form)]
        self._type: Any = tuple.__class_getitem__(tuple(whole))
        self._decode: Callable[[bytes], tuple[Any, ...]] = msgspec.json.Decoder(self._type).decode

    def read(self, line: bytes) -> tuple[Any, ...]:
        """Decode the items of a line. Raises ValueError and msgspec.MsgspecError."""
        return _typed(line, self._decode, self._type)

    def event(self, values: tuple[Any, ...]) -> SyscallEvent:
        """Build the event from the items. Raises Malformed."""
        kind, _, number, time, tid, pid, cpu, fd, args, *more = values
        if not 0 <= time < _TIMES:
            raise Malformed(f"a line has the time {time}")
        if self._order is not None:
            args = tuple(None if at < 0 or at >= len(args) else args[at] for at in self._order)
        file, observed = more or (None, None)
        if observed is not None and not isinstance(observed, msgspec.Struct):
            observed = _observed(self._observed_form, observed)
        return SyscallEvent("syscall", kind, time, number, tid, pid, cpu, args, None, fd, file, observed)


def _start(start: bytes) -> tuple[str, str]:
    """Return type and form of a line with this beginning."""
    if len(start) > _START_LIMIT:
        raise ValueError("it begins with no type and form")
    kind, form = msgspec.json.decode(start + b"]", type=tuple[str, str])
    return kind, form


def _typed(line: bytes, decode: Callable[[bytes], T], kind: Any) -> T:
    """Return `decode(line)`; decode a text with half a surrogate pair, which msgspec refuses, with the slower json
    module."""
    try:
        return decode(line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\ud" not in line:
            raise
        converted: T = msgspec.convert(json.loads(line), kind, str_keys=True)
        return converted


def _order(kind: str, params: tuple[str, ...] | None) -> tuple[int, ...] | None:
    """Return the index in the recording of each parameter known today; None if the order is the same."""
    known = event_types().get(kind)
    if params is None or known is None:
        return None
    names = tuple(param.name for param in known.params)
    return None if names == params else tuple(params.index(name) if name in params else -1 for name in names)


def _observed_type(form: str) -> Any:
    if not form:
        return None
    if form == UNSEEN:
        return list[Any]
    name, _, inner = form.partition("=")
    if name == ENTERED:
        return tuple.__class_getitem__((str, types_of(inner)))
    if name not in OBSERVATIONS:
        raise ValueError(f"there is no observation of the name {name!r}")
    return OBSERVATIONS[name]


def _observed(form: str, value: Any) -> Any:
    if form != UNSEEN:
        return Entered(*value)
    return RecordingDecoder().event(msgspec.json.encode(value))
