"""The values that can stand to the right of an operator."""

from collections.abc import Iterator, Sequence

from mozu.core.errors import UnknownField
from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.operands import Typed
from mozu.core.language.conditions.operators import allowed
from mozu.core.language.rules.checks.values import known_words
from mozu.core.model.fields import FieldRegistry, FieldType, Resolved
from mozu.core.model.fields.registry import TYPE
from mozu.core.model.syscalls import EventType, event_types

_KINDS = ("syscall", "tracepoint")
_BOOLEANS = ("true", "false")


def resolved(fields: FieldRegistry, text: str) -> Resolved | None:
    """Return the field that a word of a condition names; None if there is none."""
    name, bracket, argument = text.partition("[")
    try:
        return fields.resolve(name, argument.rstrip("]").strip("\"'") if bracket else None)
    except UnknownField:
        return None


def operators(fields: FieldRegistry, text: str) -> Sequence[str]:
    """Return the operators for a field as written; every one if the field is unknown."""
    found = resolved(fields, text)
    if found is None:
        return tokens.OPERATORS
    field = found.field
    return allowed(Typed(found.type, field.bits, found.is_list, found.match, field.traits, found))


def type_names(fields: FieldRegistry, source: str) -> list[str]:
    """Return the event types of a source class."""
    if source == "syscall":
        return sorted(kind.name for kind in event_types().values() if kind.kind in _KINDS)
    return sorted(fields.event_types(source))


def values(fields: FieldRegistry, text: str, source: str, types: Sequence[EventType]) -> Iterator[str]:
    """Yield the values that a field can have in events of these types, if they are few."""
    if text == TYPE:
        yield from type_names(fields, source)
        return
    found = resolved(fields, text)
    if found is not None and found.type is FieldType.BOOL:
        yield from _BOOLEANS
        return
    yield from known_words(text, types) or ()
