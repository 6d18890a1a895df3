"""The keys that can stand in an item of a rule file, and their fixed values, from the JSON Schema of rule files."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from mozu.core.language.rules import rules_schema

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "rule": ("desc", "condition", "output", "priority"),
    "macro": ("condition",),
    "list": ("items",),
    "exception": ("fields", "values"),
}
"""Kind of an item → keys that a definition needs."""
_CHANGING: Final = frozenset({"override", "append"})
"""Keys of items that change another one, and need no others."""
_BODY: Final[Mapping[str, str]] = {"condition": " >\n    ", "items": " []", "exceptions": "\n    - name: "}
"""Key → text after its colon."""


class RuleKey(msgspec.Struct, frozen=True):
    """A key of a mapping."""

    name: str
    doc: str
    is_required: bool

    @property
    def text(self) -> str:
        """The key with the beginning of its value."""
        return f"{self.name}:{_BODY.get(self.name, ' ')}"


class _Schema(msgspec.Struct, frozen=True, rename={"any_of": "anyOf"}):
    """A part of the JSON Schema."""

    type: str | list[str] = ""
    description: str = ""
    enum: list[str] = []
    required: list[str] = []
    properties: "dict[str, _Schema]" = {}
    items: "_Schema | None" = None
    any_of: "list[_Schema]" = []

    def opened(self) -> "Iterator[_Schema]":
        """Yield the schema, and those of its alternatives and elements."""
        yield self
        if not self.enum and not self.properties:
            for one in (*self.any_of, *((self.items,) if self.items is not None else ())):
                yield from one.opened()


def kinds() -> tuple[RuleKey, ...]:
    """Return the keys that begin an item."""
    heads = [(kind.required[0], kind) for kind in _kinds()]
    return tuple(RuleKey(name, kind.properties[name].description, is_required=False) for name, kind in heads)


def skeleton(kind: str) -> str:
    """Return the text of an item with its required keys, without the dash."""
    lines = [f"{kind}: "]
    lines += [f"  {key}:{_BODY.get(key, ' ')}" for key in _REQUIRED.get(kind, ())]
    return "\n".join(lines)


def keys_at(kind: str, path: Sequence[str], present: frozenset[str]) -> Iterator[RuleKey]:
    """Yield the keys that a mapping lacks, required ones first; `path` are the keys around it in the item."""
    required = _REQUIRED.get(kind, ()) if not path and not present & _CHANGING else ()
    known = {
        name: schema
        for one in _below(_item(kind), path)
        for name, schema in one.properties.items()
        if name not in present and (path or name != kind)
    }
    for name in (*(one for one in required if one in known), *(one for one in known if one not in required)):
        yield RuleKey(name, known[name].description, is_required=name in required)


def key_doc(kind: str, path: Sequence[str], name: str) -> str:
    """Return the sentence about a key; empty if there is none."""
    found = (one.properties[name].description for one in _below(_item(kind), path) if name in one.properties)
    return next((text for text in found if text), "")


def values_at(kind: str, path: Sequence[str]) -> tuple[str, ...]:
    """Return the fixed values of a key; empty if it takes any. Of several letter cases of a value one is returned."""
    words: dict[str, str] = {}
    for schema in _below(_item(kind), path):
        if schema.type == "boolean":
            return ("true", "false")
        for word in schema.enum:
            words.setdefault(word.lower(), word)
    return tuple(words.values())


@cache
def _kinds() -> tuple[_Schema, ...]:
    whole = msgspec.convert(rules_schema(), _Schema)
    assert whole.items is not None
    return tuple(one for one in whole.items.any_of if one.properties)


def _item(kind: str) -> _Schema:
    return next((one for one in _kinds() if kind in one.required), _Schema())


def _below(schema: _Schema, path: Sequence[str]) -> Iterator[_Schema]:
    """Yield the schemas of the value at a path, with alternatives and elements of sequences opened."""
    for one in schema.opened():
        if not path:
            yield one
        elif path[0] in one.properties:
            yield from _below(one.properties[path[0]], path[1:])
