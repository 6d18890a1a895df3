"""The registry of fields, which finds a field by the longest name that is known."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from mozu.core.errors import UnknownField
from mozu.core.model.fields.checked_reader import ReportValue, checked_reader
from mozu.core.model.fields.dependency import Dependency
from mozu.core.model.fields.field import Argument, Field, Match, Reader, Resolved, never
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.read_log import logged_reader

_DOTTED = {Argument.DOTTED, Argument.DOTTED_OR_INDEX, Argument.DOTTED_OPTIONAL, Argument.KEY_OR_DOTTED}
_INDEX = {Argument.INDEX, Argument.INDEX_OPTIONAL, Argument.DOTTED_OR_INDEX}


_MOST_RESOLVED: Final = 10_000
"""Maximum number of references that are kept: an editor's session may try any argument."""
TYPE: Final = "evt.type"
"""The field with the type of an event."""


class _Table:
    """The tables shared by registries of one engine that replaced each other."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.checked: dict[str, ReportValue] = {}
        self.sources: dict[str, frozenset[str]] = {}
        self.resolved: dict[tuple[str, str | None], Resolved] = {}
        """(name, argument) → the field, if it is the same for every event type. Emptied when a field changes."""


class FieldRegistry:
    """The fields of one engine: the core's and its plugins'."""

    def __init__(self, fields: Iterable[Field] = (), lookups: Lookups | None = None) -> None:
        self._table = _Table()
        self.lookups = Lookups() if lookups is None else lookups
        """The object in which enrichers and recordings put their look-ups of names, for the readers of these fields."""
        self.add(fields)

    def add(self, fields: Iterable[Field]) -> None:
        """Add fields. A later declaration of the same name replaces an earlier unavailable one; otherwise raises
        ValueError."""
        for field in fields:
            old = self._table.fields.get(field.name)
            if old is not None and not old.unavailable:
                raise ValueError(f"field {field.name} is declared twice")
            self._table.fields[field.name] = field
        self._table.resolved.clear()

    def provide(self, name: str, make: Callable[[str | None], Reader], by: str = "") -> None:
        """Set a component's reader of a known field: `make` takes the argument. Raises UnknownField.

        `by` is the id of an enricher, whose look-ups the field needs from then on.
        """
        field = self._table.fields.get(name)
        if field is None:
            raise UnknownField(f"{name}: an enricher reads a field that is not declared")
        needs = (field.needs or frozenset()) | ({f"enricher:{by}"} if by else set())
        self._table.fields[name] = msgspec.structs.replace(
            field, read=None, bind=lambda argument, _: make(argument), is_of_any_type=True, unavailable="", needs=needs,
            depends=field.depends | {Dependency.METADATA},
        )  # fmt: skip
        self._table.resolved.clear()

    def declare_source(self, source: str, event_types: Iterable[str]) -> None:
        """Declare a plugin's own source class, with events of these types: its rules may compare `evt.type`."""
        types = self.event_types(source) | frozenset(event_types)
        self._table.sources[source] = types
        field = self._table.fields.get(TYPE)
        if types and field is not None:
            self._table.fields[TYPE] = msgspec.structs.replace(field, sources=field.sources | {source})
            self._table.resolved.clear()

    def event_types(self, source: str) -> frozenset[str]:
        """Return the types that plugins declare of the events of their own source class; empty if they declare none."""
        return self._table.sources.get(source, frozenset())

    def declared_sources(self) -> Mapping[str, frozenset[str]]:
        """Return the source classes of plugins, with the types that they declare."""
        return self._table.sources

    def source_classes(self) -> frozenset[str]:
        """Return every source class that a rule can name: those of plugins and those of fields."""
        named = {source for field in self._table.fields.values() for source in field.sources}
        return frozenset({"syscall", *named, *self._table.sources}) - {"*"}

    def check_values(self, names: Iterable[str], report: ReportValue) -> None:
        """Check the results of the readers of these fields; `report` gets every wrong value that is found."""
        self._table.checked.update(dict.fromkeys(names, report))
        self._table.resolved.clear()

    def take_place_of(self, before: "FieldRegistry") -> None:
        """Replace a registry (a reload): all holders of `before` use these fields from now on, and the old fields are
        freed."""
        before._table.fields, before._table.checked = self._table.fields, self._table.checked
        before._table.sources, before._table.resolved = self._table.sources, {}
        self._table = before._table

    def __iter__(self) -> Iterator[Field]:
        return iter(sorted(self._table.fields.values(), key=lambda field: field.name))

    def __contains__(self, name: object) -> bool:
        return name in self._table.fields

    def get(self, name: str) -> Field | None:
        """Return the field of exactly this name; None if there is none."""
        return self._table.fields.get(name)

    def find(self, text: str) -> tuple[Field, str]:
        """Return the longest known field that `text` begins with (ending at a dot or the end), and the rest. Raises
        UnknownField."""
        end = len(text)
        while end > 0:
            field = self._table.fields.get(text[:end])
            if field is not None:
                return field, text[end:]
            end = text.rfind(".", 0, end)
        raise UnknownField(f"{text}: nonexistent field")

    def resolve(self, name: str, argument: str | None = None, event_type: str | None = None) -> Resolved:
        """Return a reference (`proc.aname` with argument `2`, `evt.arg.flags`) with its reader. Raises UnknownField."""
        found = self._table.resolved.get((name, argument))
        if found is None:
            found = self._resolved(name, argument, event_type)
            if not found.field.depends_on_type and len(self._table.resolved) < _MOST_RESOLVED:
                self._table.resolved[name, argument] = found
        return found

    def _resolved(self, name: str, argument: str | None, event_type: str | None) -> Resolved:
        field, rest = self.find(name)
        text = name if argument is None else f"{name}[{argument}]"
        if rest:
            if field.argument not in _DOTTED or argument is not None or len(rest) < 2:
                raise UnknownField(f"{text}: nonexistent field")
            argument = rest[1:]
        elif argument is None:
            if not field.is_bare:
                raise UnknownField(f"{text}: this field needs an argument")
        elif field.argument in (Argument.NONE, Argument.DOTTED, Argument.DOTTED_OPTIONAL):
            raise UnknownField(f"{text}: nonexistent field ({field.name} takes no argument in brackets)")
        elif field.argument in _INDEX and not argument.isdigit():
            raise UnknownField(f"{text}: nonexistent field (the argument must be a number)")
        if field.unavailable:
            raise UnknownField(f"{text}: {field.unavailable}")
        if field.variant is not None:
            field = field.variant(argument)
        reader = field.reads(argument, event_type)
        bare = argument is None
        report = self._table.checked.get(field.name)
        if report is not None and reader is not None:
            reader = checked_reader(field, reader, argument, report)
        if reader is not None and reader is not never:
            reader = logged_reader(field, reader)
        return Resolved(
            field=field,
            text=text,
            argument=argument,
            type=field.type,
            is_list=field.is_list,
            match=field.match if bare else Match.ONE,
            read=reader or never,
            needs=_needs(field, argument, event_type),
            show=(field.show if bare else None) or reader or never,
        )


def _needs(field: Field, argument: str | None, event_type: str | None) -> frozenset[str]:
    if field.narrowed is not None and event_type:
        return field.narrowed(argument, event_type)
    return field.needs or frozenset()
