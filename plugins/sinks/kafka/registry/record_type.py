"""The properties of a record: its JSON Schema, as far as formats with types of their own need it."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

Kind = Literal["text", "number", "texts", "values", "record"]
"""Kind of a property; `values` is a map from names unknown to the schema to scalars and lists of scalars."""

_SCALARS: Final[Mapping[str, Kind]] = {"string": "text", "integer": "number", "array": "texts"}


class Property(msgspec.Struct, frozen=True):
    """A property of an object."""

    name: str
    kind: Kind
    is_required: bool
    description: str
    type_name: str
    """Name of a record's type."""
    properties: tuple["Property", ...]
    """Properties of a record; empty for other kinds."""


def properties(schema: str) -> tuple[Property, ...]:
    """Return the properties of the object in a JSON Schema, in its order. Every array is taken as one of strings."""
    return _properties(json.loads(schema))


def _properties(schema: Mapping[str, Any]) -> tuple[Property, ...]:
    required = schema.get("required", ())
    return tuple(_property(name, said, is_required=name in required) for name, said in schema["properties"].items())


def _property(name: str, said: Mapping[str, Any], *, is_required: bool) -> Property:
    kind: Kind
    if said.get("type") == "object":
        kind = "record" if "properties" in said else "values"
    else:
        kind = _SCALARS[said.get("type", "string")]  # an enumeration says no type: more values may be added to it
    inner = _properties(said) if kind == "record" else ()
    return Property(name, kind, is_required, said.get("description", ""), name.capitalize(), inner)
