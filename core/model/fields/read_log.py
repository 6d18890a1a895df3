"""Which events were asked for a value that cannot be kept: what was found out about those is not remembered."""

from mozu.core.model.event import Event
from mozu.core.model.fields.dependency import is_lasting
from mozu.core.model.fields.field import Field, Reader
from mozu.core.model.value_types import FieldValue


class ReadLog:
    """Of all readers of this process: evaluators outlive the registry that gave them theirs."""

    def __init__(self) -> None:
        self.numbers: set[int] | None = None
        """Numbers of such events; None: it is not asked for now."""

    def begin(self) -> None:
        """From now on, until `end`."""
        self.numbers = set()

    def end(self) -> set[int]:
        """The events since `begin`."""
        numbers, self.numbers = self.numbers, None
        return numbers or set()


LOG = ReadLog()


def logged_reader(field: Field, read: Reader) -> Reader:
    """The same reader, which records that it was asked, if the field is such that its value cannot be kept."""
    if is_lasting(field.depends):
        return read
    log = LOG

    def reader(event: Event) -> FieldValue:
        if log.numbers is not None:
            log.numbers.add(event.num)
        return read(event)

    return reader
