"""What a call gave back: `evt.res`, `evt.rawres` and `evt.failed` say the same in three ways."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from mozu.core.model.syscalls import EventType, errno_name
from mozu.core.model.value_types import FieldValue

if TYPE_CHECKING:
    from mozu.core.rule_tests.given.builder import EventBuilder

_SUCCESS: Final = "SUCCESS"
_MOST_ERRORS: Final = 4096
"""MAX_ERRNO of include/linux/err.h, and one."""
_NUMBERS: Final[Mapping[str, int]] = {
    name: number for number in range(1, _MOST_ERRORS) if (name := errno_name(number)) is not None
}


def opens(declared: EventType) -> bool:
    """Whether the call gives back the descriptor that its event is about."""
    return bool(declared.params) and declared.params[0].name == "fd" and "creates_fd" in declared.traits


def take_result(builder: "EventBuilder", value: FieldValue) -> None:
    """`evt.rawres`."""
    if builder.declared is not None and builder.declared.params:
        builder.arguments[0] = value


def take_outcome(builder: "EventBuilder", value: FieldValue) -> None:
    """`evt.res`. Raises ValueError for what is no outcome."""
    text = str(value)
    if text == _SUCCESS:
        take_failed(builder, False)
    elif text in _NUMBERS:
        take_result(builder, -_NUMBERS[text])
    elif text.lstrip("-").isdigit():
        take_result(builder, -abs(int(text)))
    else:
        raise ValueError(f"evt.res is SUCCESS or the name of an error such as EACCES, not `{text[:60]}`")


def take_failed(builder: "EventBuilder", failed: FieldValue) -> None:
    """`evt.failed`."""
    builder.values.setdefault(("evt.failed", None), failed)
    if failed:
        return
    builder.values.setdefault(("evt.res", None), _SUCCESS)
    declared = builder.declared
    if declared is not None and declared.params and declared.params[0].type == "errno" and not _counts(declared):
        builder.arguments.setdefault(0, 0)


def _counts(declared: EventType) -> bool:
    """Whether success is a number of bytes."""
    return not declared.traits.isdisjoint(("reads_fd", "writes_fd"))


OUTCOMES: Final[Mapping[str, Callable[["EventBuilder", FieldValue], None]]] = {
    "evt.rawres": take_result,
    "evt.res": take_outcome,
    "evt.failed": take_failed,
}
