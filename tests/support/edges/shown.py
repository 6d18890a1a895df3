"""Expected events by the values of their fields."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry


class Shown(NamedTuple):
    """An event of a type, and values of its fields."""

    edge: str
    type: str
    fields: dict[str, Any]
    traced: dict[str, Any]
    """Values that ptrace shows instead, if it reads at another moment."""


def shown(edge: str, kind: str, fields: dict[str, Any], traced: dict[str, Any] | None = None) -> Shown:
    """Return an expected event; `edge` names the case."""
    return Shown(edge, kind, fields, {} if traced is None else traced)


def _readers(fields: FieldRegistry, kind: str, names: Iterable[str]) -> dict[str, Callable[[SyscallEvent], Any]]:
    """Return functions that read the fields of events of one type."""
    found: dict[str, Callable[[SyscallEvent], Any]] = {}
    for name in names:
        bare, _, argument = name.partition("[")
        found[name] = fields.resolve(bare, argument.rstrip("]") or None, kind).read
    return found


def missing(
    wanted: Iterable[Shown], events: Iterable[SyscallEvent], fields: FieldRegistry, *, traced: bool
) -> Iterator[str]:
    """Yield a line for each expected event that is missing."""
    by_type: dict[str, list[SyscallEvent]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    for one in wanted:
        must = {**one.fields, **(one.traced if traced else {})}
        readers = _readers(fields, one.type, must)
        found = [{name: read(event) for name, read in readers.items()} for event in by_type.get(one.type, [])]
        if must not in found:
            most = sorted(found, key=lambda seen: -sum(seen[name] == value for name, value in must.items()))
            yield f"{one.edge}: {one.type} {must} is not among {most[:2]}"
