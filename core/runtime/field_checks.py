"""Checks on the fields that plugins declare: the types of their members, their names, readers and needs."""

from enum import Enum
from typing import Final

import msgspec

from mozu.core.api import Kind
from mozu.core.filter.demand import STATE_DEPENDENCIES
from mozu.core.language.conditions.tokens import FIELD
from mozu.core.model.fields import Argument, Field, FieldType, Match
from mozu.core.model.fields.dependency import Dependency
from mozu.core.runtime.config.suggest import suggestion

_ENRICHER: Final = "enricher:"


def field_fault(fields: object, *, kind: Kind | None) -> str:
    """Return what is wrong with the fields of a declaration; empty if nothing is. `kind` is the kind of the component
    that brings the fields."""
    if not isinstance(fields, tuple | list):
        return f"its `fields` must be a tuple of Field, such as `(Field(…),)`, not {type(fields).__name__}"
    seen: set[str] = set()
    for field in fields:
        if not isinstance(field, Field):
            return f"its `fields` have {field!r}, which is no Field; give `Field(name=…, type=…, doc=…, read=…)`"
        fault = _fault(field, has_component_readers=kind is Kind.ENRICHER)
        if field.name in seen:
            fault = "is declared twice"
        if fault:
            return f"its field {field.name!r} {fault}"
        seen.add(field.name)
    return ""


def _fault(field: Field, *, has_component_readers: bool) -> str:
    wrong = _enum_fault(field) or _set_fault(field) or _reader_fault(field)
    if wrong:
        return wrong
    if not isinstance(field.name, str) or not FIELD.fullmatch(field.name):
        return "is no name of a field: words of letters and digits joined by dots, such as `acme.user`"
    if field.read is not None and field.bind is not None:
        return "has both `read` and `bind`; give one of them"
    if field.read is None and field.bind is None and not field.unavailable and not has_component_readers:
        return "has no reader; give it `read` or `bind` (only an enricher's come from its `readers()`)"
    known = {*STATE_DEPENDENCIES, *(need for need in field.needs or () if need.startswith(_ENRICHER))}
    unknown = sorted((field.needs or frozenset()) - known)
    if unknown:
        hint = suggestion(unknown[0], STATE_DEPENDENCIES) or f"; known: {', '.join(STATE_DEPENDENCIES)}, enricher:NAME"
        return f"needs {unknown[0]!r}, which is no part of the state{hint}"
    return ""


def _enum_fault(field: Field) -> str:
    members: tuple[tuple[str, object, type[Enum]], ...] = (
        ("type", field.type, FieldType),
        ("argument", field.argument, Argument),
        ("match", field.match, Match),
    )
    for name, value, kind in members:
        if not isinstance(value, kind):
            meant = next((one for one in kind if value in (one.value, one.name)), next(iter(kind)))
            return f"has the `{name}` {value!r}, which is no {kind.__name__}; give one, such as `{meant}`"
    return ""


def _set_fault(field: Field) -> str:
    members: tuple[tuple[str, object, type], ...] = (
        ("sources", field.sources, str),
        ("needs", frozenset[str]() if field.needs is None else field.needs, str),
        ("traits", field.traits, str),
        ("depends", field.depends, Dependency),
    )
    for name, value, kind in members:
        if not isinstance(value, frozenset | set) or not all(isinstance(one, kind) for one in value):
            meant = f", such as `frozenset({{{value!r}}})`" if isinstance(value, str) else ""
            return f"has the `{name}` {value!r}; give a frozenset of {kind.__name__}{meant}"
    return ""


def _reader_fault(field: Field) -> str:
    members: tuple[tuple[str, object], ...] = (
        ("read", field.read),
        ("bind", field.bind),
        ("show", field.show),
        ("narrowed", field.narrowed),
        ("variant", field.variant),
    )
    for name, value in members:
        if value is not None and not callable(value):
            return f"has the `{name}` {value!r}, which cannot be called; give a function"
    return ""


def with_needs(field: Field) -> Field:
    """Return the field; if it declares no needs it depends on the whole state, so that no value is read from a stale
    state."""
    if field.needs is not None:
        return field
    of_calls = not field.sources.isdisjoint(("syscall", "*"))
    return msgspec.structs.replace(field, needs=frozenset(STATE_DEPENDENCIES) if of_calls else frozenset())
