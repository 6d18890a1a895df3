"""The field `evt.object` of an event in a test, from the fields of paths that the test gives."""

from typing import Final

from mozu.core.rule_tests.given.parts import GivenEvent

_ENDS: Final = ("fs.path.source", "fs.path.target")
_OTHERS: Final = ("fs.path.name", "fd.name", "proc.cmdline")


def object_of(event: GivenEvent) -> str | None:
    """Return the object by the given fields; None if none of them names one."""
    ends = _given(event, _ENDS)
    return " -> ".join(ends) if ends else next(iter(_given(event, _OTHERS)), None)


def _given(event: GivenEvent, names: tuple[str, ...]) -> list[str]:
    found = (event.values.get((name, None)) for name in names)
    return [value for value in found if isinstance(value, str) and value]
