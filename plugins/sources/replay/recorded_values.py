"""Values of plugins' fields that a recording holds: what third parties' enrichers answered when it was made."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mozu.core.model.event import Event
from mozu.core.model.fields import Field, FieldRegistry, Reader
from mozu.core.model.value_types import FieldValue
from mozu.core.recording.lines import ValuesLine
from mozu.core.recording.plugin_values import reference, value_of

Binder = Callable[[str | None], Reader]


class RecordedValues:
    """The values of the events that follow the newest `values` line."""

    def __init__(self) -> None:
        self._rows: tuple[dict[str, Any], ...] = ()
        self._events: dict[int, int] = {}

    def clear(self) -> None:
        """A section begins."""
        self._rows, self._events = (), {}

    def load(self, line: ValuesLine) -> None:
        """The events before it have been judged."""
        self._rows = line.rows
        self._events = {number: row for number, row in line.events if row < len(line.rows)}

    def readers(self, names: Iterable[str], fields: FieldRegistry) -> Mapping[str, Binder]:
        """Readers of these fields, as far as a plugin that is loaded declares them."""
        known = (fields.get(name) for name in names)
        return {field.name: self._binder(field) for field in known if field is not None}

    def _binder(self, field: Field) -> Binder:
        def bind(argument: str | None) -> Reader:
            key = reference(field.name, argument)

            def read(event: Event) -> FieldValue:
                row = self._events.get(event.num)
                written = None if row is None else self._rows[row].get(key)
                return None if written is None else value_of(field, argument, written)

            return read

        return bind
