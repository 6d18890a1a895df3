"""The result of a call: `evt.res`, `evt.rawres` and `evt.failed` express it in three ways."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from mozu.core.model.fields.possible import error_numbers
from mozu.core.model.syscalls import EventType
from mozu.core.model.value_types import FieldValue

if TYPE_CHECKING:
    from mozu.core.rule_tests.given.builder import EventBuilder

_SUCCESS: Final = "SUCCESS"


def opens(declared: EventType) -> bool:
    """Return True if the call returns the descriptor that its event is about."""
    return bool(declared.params) and declared.params[0].name == "fd" and "creates_fd" in declared.traits


def take_result(builder: "EventBuilder", value: FieldValue) -> None:
    """Take the value of `evt.rawres`."""
    if builder.declared is not None and builder.declared.params:
        builder.arguments[0] = value


def take_outcome(builder: "EventBuilder", value: FieldValue) -> None:
    """Take the value of `evt.res`. Raises ValueError for a text that is no result."""
    text = str(value)
    if text == _SUCCESS:
        take_failed(builder, False)
    elif text in error_numbers():
        take_result(builder, -error_numbers()[text])
    elif text.lstrip("-").isdigit():
        take_result(builder, -abs(int(text)))
    else:
        raise ValueError(f"evt.res is SUCCESS or the name of an error such as EACCES, not `{text[:60]}`")


def take_failed(builder: "EventBuilder", failed: FieldValue) -> None:
    """Take the value of `evt.failed`."""
    builder.values.setdefault(("evt.failed", None), failed)
    if failed:
        return
    builder.values.setdefault(("evt.res", None), _SUCCESS)
    declared = builder.declared
    if declared is not None and declared.params and declared.params[0].type == "errno" and not _counts(declared):
        builder.arguments.setdefault(0, 0)


def _counts(declared: EventType) -> bool:
    """Return True if a successful call returns a number of bytes."""
    return not declared.traits.isdisjoint(("reads_fd", "writes_fd"))


OUTCOMES: Final[Mapping[str, Callable[["EventBuilder", FieldValue], None]]] = {
    "evt.rawres": take_result,
    "evt.res": take_outcome,
    "evt.failed": take_failed,
}
