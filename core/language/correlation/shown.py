"""Fields of a correlation's output: `correlation.…`, and `STEP.FIELD`, which has the value of that step's match."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mozu.core.errors import UnknownField
from mozu.core.language.correlation.window import Completed
from mozu.core.model.event import Event
from mozu.core.model.fields import Field, FieldRegistry, FieldType, Reader
from mozu.core.model.value_types import FieldValue

CLASS: Final = "correlation"
COUNT: Final = "correlation.count"
EVENTS: Final = "correlation.events"
VALUES: Final = "correlation.values"
DURATION: Final = "correlation.duration"
SILENCED: Final = "correlation.silenced"
FIELDS: Final = {
    COUNT: (FieldType.UINT, False, "Number of events that counted; of values in a value_count."),
    EVENTS: (FieldType.UINT, True, "Numbers (evt.num) of the events that counted, the last 100."),
    VALUES: (FieldType.STRING, True, "The values that a value_count counted, the last 100."),
    DURATION: (FieldType.RELTIME, False, "Nanoseconds from the first of these events to the last one."),
    SILENCED: (FieldType.UINT, False, "Number of events of the group that came in the timespan after its last alert."),
}
_MOST: Final = 100
"""Most numbers and values in an alert."""


class Shown:
    """The values that the fields have now: those of the alert that is being made."""

    def __init__(self) -> None:
        self._values: Mapping[str, FieldValue] = {}

    def show(self, done: Completed, steps: Sequence[str]) -> None:
        """Use the values of what a match has completed. `steps`: the names of the steps."""
        self._values = {
            COUNT: done.count,
            EVENTS: done.numbers[-_MOST:],
            VALUES: tuple(_text(value) for value in done.values[-_MOST:]),
            DURATION: done.last - done.first,
            SILENCED: done.silenced,
            **{
                f"{steps[at]}.{name}": value
                for at, values in done.output_values.items()
                for name, value in values.items()
            },
        }

    def fields(self, fields: FieldRegistry, source: str, steps: Iterable[str], text: str) -> FieldRegistry:
        """Return the registry with these fields beside the others: of the steps, those that the text of the output
        names."""
        found = FieldRegistry(
            (*fields, *self._own(source), *self._of_steps(fields, source, steps, text)), fields.lookups
        )
        for name, types in fields.declared_sources().items():
            found.declare_source(name, types)
        return found

    def _own(self, source: str) -> Iterator[Field]:
        for name, (kind, is_list, doc) in FIELDS.items():
            yield Field(
                name=name, type=kind, doc=doc, read=self._reader(name), is_list=is_list, sources=frozenset({source}),
                needs=frozenset(),
            )  # fmt: skip

    def _of_steps(self, fields: FieldRegistry, source: str, steps: Iterable[str], text: str) -> Iterator[Field]:
        names = "|".join(sorted(steps, key=len, reverse=True))
        done = set()
        for step, name, bracket in re.findall(rf"(?<![\w.])({names})\.([a-z][\w.]*\w)(\[?)", text):
            if (step, name) in done:
                continue
            done.add((step, name))
            try:
                yield self._of_step(fields, source, f"{step}.{name}", name, has_argument=bool(bracket))
            except UnknownField:
                continue  # the compiler of the output reports it, with its place

    def _of_step(self, fields: FieldRegistry, source: str, own: str, name: str, *, has_argument: bool) -> Field:
        if has_argument:
            field = fields.find(name)[0]
            return Field(
                name=own, type=field.type, doc=field.doc, argument=field.argument, is_list=field.is_list,
                bind=lambda argument, _: self._reader(own if argument is None else f"{own}[{argument}]"),
                sources=frozenset({source}), needs=frozenset(), format=field.format,
            )  # fmt: skip
        resolved = fields.resolve(name)
        return Field(
            name=own, type=resolved.type, doc=resolved.field.doc, read=self._reader(own), is_list=resolved.is_list,
            sources=frozenset({source}), needs=frozenset(), format=resolved.field.format,
        )  # fmt: skip

    def _reader(self, name: str) -> Reader:
        def read(_: Event) -> FieldValue:
            return self._values.get(name)

        return read


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
