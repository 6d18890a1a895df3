"""The events with a reading of a value that cannot be kept: their verdicts are not remembered."""

from mozu.core.model.event import Event
from mozu.core.model.fields.dependency import is_lasting
from mozu.core.model.fields.field import Field, Reader
from mozu.core.model.value_types import FieldValue


class ReadLog:
    """A log for all readers of this process: evaluators outlive the registry that made their readers."""

    def __init__(self) -> None:
        self.numbers: set[int] | None = None
        """Numbers of such events; None while nothing is recorded."""

    def begin(self) -> None:
        """Record from now on, until `end`."""
        self.numbers = set()

    def end(self) -> set[int]:
        """Stop recording, and return the numbers since `begin`."""
        numbers, self.numbers = self.numbers, None
        return numbers or set()


LOG = ReadLog()


def logged_reader(field: Field, read: Reader) -> Reader:
    """Return a reader that records its events if the field's value cannot be kept; otherwise the reader itself."""
    if is_lasting(field.depends):
        return read
    log = LOG

    def reader(event: Event) -> FieldValue:
        if log.numbers is not None:
            log.numbers.add(event.num)
        return read(event)

    return reader
