"""Readers made for one event type at load time, and one that finds its way at run time where the type is not known."""

from collections.abc import Callable

from mozu.core.model.event import Event
from mozu.core.model.fields.field import Reader, never
from mozu.core.model.syscalls import EventType, event_type
from mozu.core.model.value_types import FieldValue

Make = Callable[[str | None, EventType], Reader | None]
"""(argument, event type) → the reader; None: this type never has a value."""
Bind = Callable[[str | None, str | None], Reader | None]
"""What `Field.bind` wants."""


def by_type(make: Make) -> Bind:
    """`make` for the one type that is asked for, or a reader that dispatches on the type of each event."""

    def bind(argument: str | None, name: str | None) -> Reader | None:
        if name is not None:
            known = event_type(name)
            return None if known is None else make(argument, known)
        readers: dict[str, Reader] = {}

        def read(event: Event) -> FieldValue:
            reader = readers.get(event.type)
            if reader is None:
                known = event_type(event.type)
                if known is None:
                    return None
                reader = readers[event.type] = make(argument, known) or never
            return reader(event)

        return read

    return bind


def when(test: Callable[[EventType], bool], read: Reader) -> Bind:
    """`read` for the types that pass the test, no value for the others."""
    return by_type(lambda _, event: read if test(event) else None)


def constant(value: FieldValue) -> Reader:
    """The same value for every event."""
    return lambda _: value


def flag(test: Callable[[EventType], bool]) -> Bind:
    """True or false by the type alone."""
    return by_type(lambda _, event: constant(test(event)))
