"""Checks on the fields that plugins declare: their names, readers and needs."""

from collections.abc import Iterable
from typing import Final

import msgspec

from mozu.core.api import Kind
from mozu.core.filter.demand import STATE_DEPENDENCIES
from mozu.core.language.conditions.tokens import FIELD
from mozu.core.model.fields import Field
from mozu.core.runtime.config.suggest import suggestion

_ENRICHER: Final = "enricher:"


def field_fault(fields: Iterable[Field], *, kind: Kind | None) -> str:
    """What is wrong with the fields of a declaration; empty: nothing. `kind`: of the component that brings them."""
    seen: set[str] = set()
    for field in fields:
        fault = _fault(field, has_component_readers=kind is Kind.ENRICHER)
        if field.name in seen:
            fault = "is declared twice"
        if fault:
            return f"its field {field.name!r} {fault}"
        seen.add(field.name)
    return ""


def _fault(field: Field, *, has_component_readers: bool) -> str:
    if not FIELD.fullmatch(field.name):
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


def with_needs(field: Field) -> Field:
    """The field, with everything for what it does not declare: no value of it may be read from a stale state."""
    if field.needs is not None:
        return field
    of_calls = not field.sources.isdisjoint(("syscall", "*"))
    return msgspec.structs.replace(field, needs=frozenset(STATE_DEPENDENCIES) if of_calls else frozenset())
