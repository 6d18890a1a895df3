"""The fields `evt.*`, `syscall.type` and `util.cnt`."""

import itertools
from typing import Final

from mozu.core.fields import events_args, events_io, events_kind, events_time
from mozu.core.fields.field import Field, FieldType, Reader
from mozu.core.fields.names import Names


def _counter(_: str | None, __: str | None) -> Reader:
    numbers = itertools.count(1)
    return lambda _: next(numbers)


COUNTER: Final = Field(
    name="util.cnt",
    type=FieldType.UINT,
    doc="Counts how often this very reference has been read.",
    bind=_counter,
)


def fields(names: Names) -> tuple[Field, ...]:
    """All of them, for one engine and its surroundings."""
    return (
        *events_time.TEXTS,
        *events_time.RAW,
        *events_time.relative(names),
        *events_time.LATENCY,
        events_time.AROUND,
        *events_kind.kinds(names),
        *events_kind.TRAITS,
        *events_kind.COUNTS,
        *events_args.arguments(names),
        events_args.RAW,
        *events_args.RESULTS,
        *events_io.BUFFERS,
        *events_io.OPENS,
        events_io.ABSPATH,
        *events_io.INFRA,
        events_io.PLUGININFO,
        COUNTER,
    )


FIELDS: Final = fields(Names())
"""The same for whoever has no surroundings: nothing outside the event has a name."""
