"""The fields `evt.*`, `syscall.type` and `util.cnt`."""

import itertools
from typing import Final

from mozu.core.model.fields.evt import args, io, kind, timing
from mozu.core.model.fields.field import Field, FieldType, Reader
from mozu.core.model.fields.lookups import Lookups


def _counter(_: str | None, __: str | None) -> Reader:
    numbers = itertools.count(1)
    return lambda _: next(numbers)


COUNTER: Final = Field(
    name="util.cnt",
    type=FieldType.UINT,
    doc="Counts how often this very reference has been read.",
    bind=_counter,
)


def fields(lookups: Lookups) -> tuple[Field, ...]:
    """Return the event fields for one engine and its surroundings."""
    return (
        *timing.TEXTS,
        *timing.RAW,
        *timing.relative(lookups),
        *timing.LATENCY,
        timing.AROUND,
        *kind.kinds(lookups),
        *kind.TRAITS,
        *kind.COUNTS,
        *args.arguments(lookups),
        args.RAW,
        *args.RESULTS,
        *io.BUFFERS,
        *io.OPENS,
        io.ABSPATH,
        *io.INFRA,
        io.PLUGININFO,
        COUNTER,
    )


FIELDS: Final = fields(Lookups())
"""The event fields without surroundings: nothing outside the event has a name."""
