"""Expected events, and the comparison with reported ones."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import event_type, flag_names


class Anything:
    """A value that a trigger cannot know: sizes of the process, the kernel's own addresses."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = Anything()


class Names(NamedTuple):
    """A value by the names that rules use for it."""

    text: str


class Reported(NamedTuple):
    """An expected event."""

    type: str
    args: tuple[Any, ...]
    kind: str | None = None
    """Expected `fd.type`; None if it is not looked at."""
    name: str | None = None
    """Expected `fd.name`; None if it is not looked at."""


def reported(kind: str, *args: Any, fd: str | None = None, name: str | None = None) -> Reported:
    """Return an expected event with all parameters in order. `fd`: type of the descriptor, `name`: its name."""
    return Reported(kind, args, fd, name)


def _fits_value(table: str, wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Anything):
        return True
    if isinstance(wanted, Names):
        return value is not None and set(flag_names(table, value).split("|")) == set(wanted.text.split("|"))
    return bool(wanted == value)


def fits(wanted: Reported, event: SyscallEvent) -> bool:
    """Return True if an event has everything that is expected."""
    declared = event_type(wanted.type)
    assert declared is not None
    assert len(wanted.args) == len(declared.params), f"{wanted.type} has {len(declared.params)} parameters: {wanted}"
    if len(event.args) != len(wanted.args):
        return False
    values = zip(declared.params, wanted.args, event.args, strict=True)
    if not all(_fits_value(param.table, one, value) for param, one, value in values):
        return False
    file = event.file
    if wanted.kind is not None and (file is None or file.kind != wanted.kind):
        return False
    return wanted.name is None or (file is not None and file.name == wanted.name)


def missing(wanted: Iterable[Reported], events: Iterable[SyscallEvent]) -> Iterator[str]:
    """Yield a line for each expected event that is missing; each event satisfies one expectation only."""
    by_type: dict[str, list[SyscallEvent]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    for one in wanted:
        candidates = by_type.get(one.type, [])
        found = next((event for event in candidates if fits(one, event)), None)
        if found is None:
            near = [(event.args, event.file and (event.file.kind, event.file.name)) for event in candidates[-4:]]
            yield f"{one} is not among {near}"
        else:
            candidates.remove(found)
