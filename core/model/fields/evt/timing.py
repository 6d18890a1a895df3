"""The time and number of events: evt.num, evt.time*, evt.datetime*, evt.rawtime*, evt.reltime*, evt.deltatime*,
evt.around."""

import time
from typing import Final

from mozu.core.errors import UnknownField
from mozu.core.model.event import Event
from mozu.core.model.fields.binding import constant
from mozu.core.model.fields.evt.text import moment
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.lookups import Lookups

_ALL: Final = frozenset({"*"})
_SECOND: Final = 1_000_000_000
_MILLISECOND: Final = 1_000_000
_TIME: Final = frozenset({"output_time"})
_ANSWERS: Final = 1 << 14
"""The most answers kept, more than a batch has events: outputs are made after the whole batch has been judged."""
_DEPRECATED: Final = frozenset({"deprecated"})


def clock(event: Event) -> str:
    """Return the local time of day with nanoseconds."""
    return f"{_local(event, '%H:%M:%S')}.{event.time % _SECOND:09d}"


def _local(event: Event, form: str) -> str:
    return time.strftime(form, time.localtime(event.time // _SECOND))


def _iso8601(event: Event) -> str:
    seconds, rest = divmod(event.time, _SECOND)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}+0000"


def _text(name: str, read: Reader, doc: str, sources: frozenset[str] = _ALL) -> Field:
    return Field(name=name, type=FieldType.STRING, doc=doc, read=read, sources=sources, traits=_TIME)


TEXTS: Final = (
    _text("evt.time", clock, "Local time of day, to the nanosecond."),
    _text("evt.time.s", lambda event: _local(event, "%H:%M:%S"), "Local time of day, to the second."),
    _text("evt.time.iso8601", _iso8601, "Date and time in UTC, in the form of ISO 8601, to the nanosecond."),
    _text("evt.datetime", lambda event: moment(event.time), "Local date and time, to the nanosecond."),
    _text("evt.datetime.s", lambda event: _local(event, "%Y-%m-%d %H:%M:%S"), "Local date and time, to the second."),
    _text("evt.outputtime", clock, "Meant for outputs: the same text as evt.time.", frozenset({"syscall"})),
)

RAW: Final = (
    Field(
        name="evt.num",
        type=FieldType.UINT,
        doc="Position of the event in its source; the first is 1.",
        read=lambda event: event.num,
        sources=_ALL,
    ),
    Field(
        name="evt.rawtime",
        type=FieldType.ABSTIME,
        doc="Moment of the event in nanoseconds since 1970.",
        read=lambda event: event.time,
        sources=_ALL,
    ),
    Field(
        name="evt.rawtime.s",
        type=FieldType.ABSTIME,
        doc="Moment of the event in whole seconds since 1970.",
        read=lambda event: event.time // _SECOND,
        sources=_ALL,
    ),
    Field(
        name="evt.rawtime.ns",
        type=FieldType.ABSTIME,
        doc="Nanoseconds of the event's moment beyond the whole second.",
        read=lambda event: event.time % _SECOND,
        sources=_ALL,
        format="padded",
        traits=frozenset({"padded"}),
    ),
)


def _latency(name: str, form: str = "") -> Field:
    return Field(
        name=name,
        type=FieldType.RELTIME,
        doc="Out of use: always 0, because a call is one event and not a pair.",
        read=constant(0),
        traits=_DEPRECATED | ({form} if form else frozenset()),
        format=form,
    )


LATENCY: Final = (
    _latency("evt.latency"),
    _latency("evt.latency.s"),
    _latency("evt.latency.ns", "padded"),
    Field(
        name="evt.latency.quantized",
        type=FieldType.UINT,
        doc="Out of use: always 0.",
        read=constant(0),
        traits=_DEPRECATED | {"hidden"},
    ),
    Field(
        name="evt.latency.human",
        type=FieldType.STRING,
        doc="Out of use: always the text 0ns.",
        read=constant("0ns"),
        traits=_DEPRECATED,
    ),
    _latency("evt.wait_latency"),
)


def _distance(argument: str | None, _: str | None) -> Reader:
    try:
        center = int(argument or "")
    except ValueError:
        raise UnknownField(
            f"evt.around[{argument}]: nonexistent field (the argument must be a time in ns since 1970)"
        ) from None

    def read(event: Event) -> int:
        return -(-abs(event.time - center) // _MILLISECOND)

    return read


AROUND: Final = Field(
    name="evt.around",
    type=FieldType.UINT,
    doc="With `=`: true for events at most that many milliseconds away from the moment in brackets (ns since 1970).",
    bind=_distance,
    argument=Argument.KEY,
    traits=frozenset({"filter_only", "no_rhs", "no_transformer", "at_most"}),
)


def relative(lookups: Lookups) -> tuple[Field, ...]:
    """Return the fields that count from another event."""

    def since_first(event: Event) -> int:
        if not lookups.first_time:
            lookups.first_time = event.time
        return event.time - lookups.first_time

    def first(name: str, doc: str, part: str) -> Field:
        return _part(name, doc, part, _split(since_first, part), _ALL)

    def previous(name: str, doc: str, part: str) -> Field:
        return _part(name, doc, part, _split(_since_previous(), part), frozenset({"syscall"}))

    return (
        first("evt.reltime", "Nanoseconds since the first event of the run.", "whole"),
        first("evt.reltime.s", "Whole seconds since the first event of the run.", "s"),
        first("evt.reltime.ns", "Nanoseconds beyond the whole seconds since the first event of the run.", "ns"),
        previous("evt.deltatime", "Nanoseconds since the last event that any rule asked for this field.", ""),
        previous("evt.deltatime.s", "Whole seconds since the last event that any rule asked for this field.", "s"),
        previous("evt.deltatime.ns", "Nanoseconds of evt.deltatime beyond the whole seconds.", "ns"),
    )


def _part(name: str, doc: str, part: str, read: Reader, sources: frozenset[str]) -> Field:
    padded = part in ("whole", "ns")
    return Field(
        name=name,
        type=FieldType.RELTIME,
        doc=doc,
        read=read,
        sources=sources,
        format="padded" if padded else "",
        traits=frozenset({"padded"} if padded else ()),
    )


def _split(read: Reader, part: str) -> Reader:
    if part not in ("s", "ns"):
        return read

    def read_part(event: Event) -> int | None:
        value = read(event)
        if not isinstance(value, int):
            return None
        return value // _SECOND if part == "s" else value % _SECOND

    return read_part


def _since_previous() -> Reader:
    """Return a reader of the time since the previous event of any type. Asked again about an event, as outputs do
    later, it returns the same value."""
    last = 0
    answers: dict[int, int] = {}

    def read(event: Event) -> int:
        nonlocal last
        answer = answers.get(event.num)
        if answer is None:
            if len(answers) >= _ANSWERS:
                del answers[next(iter(answers))]
            answer = answers[event.num] = event.time - last if last else 0
            last = event.time
        return answer

    return read
