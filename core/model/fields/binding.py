"""Readers made for one event type at load time, or dispatching at run time if the type is not known."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from mozu.core.model.event import Event
from mozu.core.model.fields.field import Reader, never
from mozu.core.model.syscalls import EventType, event_type
from mozu.core.model.value_types import FieldValue

Make = Callable[[str | None, EventType], Reader | None]
"""Function from (argument, event type) to the reader; None if events of this type never have a value."""
_CONSTANTS: "WeakKeyDictionary[Reader, FieldValue]" = WeakKeyDictionary()
"""Reader of a constant → its value."""
Bind = Callable[[str | None, str | None], Reader | None]
"""The type of `Field.bind`."""


def by_type(make: Make) -> Bind:
    """Return a binder that calls `make` for the requested type, or returns a reader that dispatches on each event's
    type."""

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
    """Return a binder of `read` for the types that pass the test; other types have no value."""
    return by_type(lambda _, event: read if test(event) else None)


def constant(value: FieldValue) -> Reader:
    """Return a reader of the same value for every event."""

    def read(_: Event) -> FieldValue:
        return value

    _CONSTANTS[read] = value
    return read


def constant_of(read: Reader | None) -> tuple[FieldValue] | None:
    """Return the value of a reader that `constant` made; None for any other reader."""
    return (_CONSTANTS[read],) if read is not None and read in _CONSTANTS else None


def flag(test: Callable[[EventType], bool]) -> Bind:
    """Return a binder of a bool that depends on the type alone."""
    return by_type(lambda _, event: constant(test(event)))
