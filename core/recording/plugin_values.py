"""Values of plugins' fields in a recording: the results of third parties' enrichers when an event was evaluated.

Such values cannot be computed again from the events. The recorder reads them just before the rules do, for every
reference that a rule or an output has bound and for the bare form of each field, and writes them before the chunk.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from typing import Final

from mozu.core.isolation.ends import is_ours
from mozu.core.model.event import Event
from mozu.core.model.fields import Field, FieldType, Reader
from mozu.core.model.fields.value_checks import is_tuple
from mozu.core.model.value_types import FieldValue, Json
from mozu.core.recording.encode import line
from mozu.core.recording.lines import ValuesLine
from mozu.core.recording.section import Chunk

Binder = Callable[[str | None], Reader]
"""Function from a field's argument to its reader."""

_AS_BASE64: Final = frozenset({FieldType.BYTES, FieldType.IPADDR, FieldType.IPNET})


def reference(name: str, argument: str | None) -> str:
    """Return the name of a field with its argument, as recordings write it."""
    return name if argument is None else f"{name}[{argument}]"


class PluginValues:
    """Readers of a run whose values recordings keep."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """Names of the fields."""
        self._readers: dict[str, tuple[Field, str | None, Reader]] = {}

    def recorded(self, field: Field, make: Binder) -> Binder:
        """Return a binder that binds the same readers and registers each of them here."""
        self.names.append(field.name)

        def bound(argument: str | None) -> Reader:
            reader = make(argument)
            self._readers[reference(field.name, argument)] = field, argument, reader
            return reader

        return bound

    def of(self, event: Event) -> tuple[tuple[str, Json], ...]:
        """Return (reference, value) of every reader that has a value for this event."""
        found = []
        for name, (field, argument, reader) in self._readers.items():
            try:
                value = reader(event)
                if value is not None:
                    found.append((name, _written(field, argument, value)))
            except BaseException as error:  # a plugin's code: the next rule that reads it counts the error
                if is_ours(error):
                    raise
        return tuple(found)


def note_values(values: PluginValues, events: Iterable[Event], chunk_of: Callable[[int], Chunk | None]) -> None:
    """Note the values of plugins for these events, just before they are evaluated."""
    for event in events:
        found = values.of(event)
        chunk = chunk_of(event.num) if found else None
        if chunk is not None:
            chunk.values.append((event.num, found))


def place_values(chunk: Chunk) -> None:
    """Put the values of a chunk's events before it, each set of values once."""
    if not chunk.values:
        return
    rows: dict[tuple[tuple[str, str], ...], int] = {}
    written: list[dict[str, Json]] = []
    events = []
    for number, found in chunk.values:
        key = tuple((name, repr(value)) for name, value in found)
        if key not in rows:
            rows[key] = len(written)
            written.append(dict(found))
        events.append((number, rows[key]))
    chunk.preamble.append(line(ValuesLine(tuple(written), tuple(events))))
    chunk.values.clear()


def _written(field: Field, argument: str | None, value: FieldValue) -> Json:
    if is_tuple(field, argument) and isinstance(value, tuple | list):
        return [_one_written(field, one) for one in value]
    return _one_written(field, value)


def _one_written(field: Field, value: object) -> Json:
    if field.type in _AS_BASE64 and isinstance(value, bytes):
        return b64encode(value).decode()
    return value if isinstance(value, str | bool | int | float) else None


def value_of(field: Field, argument: str | None, written: object) -> FieldValue:
    """Return the value for its written form; None if it is not a possible value of this field."""
    if is_tuple(field, argument):
        return tuple(_one(field, one) for one in written) if isinstance(written, list) else None
    return _one(field, written)


def _one(field: Field, written: object) -> FieldValue:
    if field.type in _AS_BASE64:
        try:
            return b64decode(written, validate=True) if isinstance(written, str) else None
        except ValueError:
            return None
    return written if isinstance(written, str | bool | int | float) else None
