"""A reader of a plugin's field whose first values are checked: a wrong value is reported and counts as absent."""

from collections.abc import Callable
from typing import Any, Final

from mozu.core.isolation.ctrl_c import is_by_signal
from mozu.core.isolation.texts import text_of
from mozu.core.model.fields.field import Field, Reader
from mozu.core.model.fields.value_checks import value_fault
from mozu.core.model.value_types import FieldValue

ReportValue = Callable[[Field, str], None]
"""Function called with the field and the fault for each wrong value that was found."""

CHECKED_VALUES: Final = 1000
"""Number of values of a reader that are checked; after a wrong one every later value is checked."""


def checked_reader(field: Field, read: Reader, argument: str | None, report: ReportValue) -> Reader:
    """Return a reader with checked values; None if the field's reader raises or returns a wrong value."""
    left, wrong = CHECKED_VALUES, False

    def reader(event: Any) -> FieldValue:
        nonlocal left, wrong
        try:
            value = read(event)
        except BaseException as error:  # of the field's plugin, and not the fault of what has asked
            if isinstance(error, KeyboardInterrupt) and is_by_signal():
                raise
            report(field, f"its reader raised {type(error).__name__}: {text_of(error)}")
            return None
        if not left or value is None:
            return value
        fault = value_fault(field, value, argument)
        if not fault:
            left -= not wrong
            return value
        wrong = True
        report(field, fault)
        return None

    return reader
