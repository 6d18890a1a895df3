"""The fields of rules under test: read from a test's values, else by the field's own reader."""

from typing import Final

import msgspec

from mozu.core.model.fields import Field, FieldRegistry, Match
from mozu.core.model.fields.field import Reader, never
from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.given.object import object_of
from mozu.core.rule_tests.given.parts import GivenEvent, NotGiven

_ENRICHER: Final = "enricher:"
_NO_NAME: Final = "<NA>"
"""A reader's value for a number without a name, if there is no enricher; a test without a name has none."""


def given_fields(fields: FieldRegistry) -> FieldRegistry:
    """Return the same fields for events of tests. A field that an event type never has is absent here, too, so that
    conditions are compiled as for a run."""
    made = FieldRegistry((_given(field) for field in fields), fields.lookups)
    for source, types in fields.declared_sources().items():
        made.declare_source(source, types)
    return made


def can_have(field: Field, argument: str | None, event_type: str | None) -> bool:
    """Return True if events of this type can have a value. Raises UnknownField for a bad argument."""
    if field.variant is not None:
        field = field.variant(argument)
    return _original(field, argument, event_type) is not None


def follows(read: Reader, event: GivenEvent) -> FieldValue:
    """Return the reader's value for the given parts; None if they do not determine one."""
    try:
        return read(event)
    except NotGiven:
        return None


def _given(field: Field) -> Field:
    variant = field.variant
    return msgspec.structs.replace(
        field,
        read=None,
        bind=lambda argument, event_type: _bound(field, argument, event_type),
        is_of_any_type=False,
        show=None if field.show is None else _shown(field, field.show),
        variant=None if variant is None else lambda argument: _given(variant(argument)),
    )


def _original(field: Field, argument: str | None, event_type: str | None) -> Reader | None:
    """Return the reader of a run; for a field that only an enricher has, a reader that returns nothing."""
    if field.bind is None and field.read is None:
        return None if "deprecated" in field.traits else never
    read = field.reads(argument, event_type)
    return None if read is None or read is never else read


def _bound(field: Field, argument: str | None, event_type: str | None) -> Reader | None:
    original = _original(field, argument, event_type)
    if original is None:
        return None
    derive = _lineage(field, event_type) if field.match is Match.ANY and argument is None else _derived(field, original)
    key = field.name, argument

    def read(event: GivenEvent) -> FieldValue:
        values = event.values
        return values[key] if key in values else derive(event)

    return read


def _derived(field: Field, original: Reader) -> Reader:
    if field.name == "evt.object":
        return lambda event: object_of(event) or follows(original, event) or event.type
    if not any(need.startswith(_ENRICHER) for need in field.needs or ()):
        return lambda event: follows(original, event)

    def read(event: GivenEvent) -> FieldValue:
        value = follows(original, event)
        return None if value == _NO_NAME else value

    return read


def _lineage(field: Field, event_type: str | None) -> Reader:
    """Return a reader of any ancestor's value, for those that were given, whatever is between them."""
    levels: dict[int, Reader | None] = {}

    def level(number: int) -> Reader:
        if number not in levels:
            levels[number] = _bound(field, str(number), event_type)
        return levels[number] or never

    def read(event: GivenEvent) -> FieldValue:
        return tuple([level(number)(event) for number in range(1, event.depth + 1)]) or None

    return read


def _shown(field: Field, show: Reader) -> Reader:
    key = field.name, None

    def read(event: GivenEvent) -> FieldValue:
        if key not in event.values:
            return follows(show, event)
        value = event.values[key]
        return next(iter(value), None) if isinstance(value, tuple) else value

    return read
