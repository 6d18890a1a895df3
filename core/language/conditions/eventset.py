"""The static event set: which event types could make a condition true, judged by its tests on the type alone."""

from typing import Final

import msgspec

from mozu.core.language.conditions.ast import And, Call, Const, Items, Node, Not, Or, Test, Text, bottom_up
from mozu.core.language.conditions.unparse import unparse_term

TYPE_FIELDS: Final = ("evt.type", "syscall.type")


class Types(msgspec.Struct, frozen=True):
    """A set of event types, or all but these."""

    names: frozenset[str]
    negated: bool = False

    def __and__(self, other: "Types") -> "Types":
        if self.negated and other.negated:
            return Types(self.names | other.names, negated=True)
        if self.negated:
            return Types(other.names - self.names)
        return Types(self.names - other.names if other.negated else self.names & other.names)

    def __invert__(self) -> "Types":
        return Types(self.names, not self.negated)

    def __or__(self, other: "Types") -> "Types":
        return ~(~self & ~other)


_NAMING: Final = {("=", ""), ("==", ""), ("!=", ""), ("in", ""), ("!=", "allof")}
"""Tests that name types; `!= allof` is what simplification makes of several `!=`."""

NONE: Final = Types(frozenset())
ALL: Final = Types(frozenset(), negated=True)

Possible = tuple[Types, Types]
"""Where a node can be true, and where it can be false."""


def event_types(node: Node) -> Types:
    """The types for which the condition could be true."""
    return bottom_up(node, _visit)[0]


def test_types(test: Test) -> Possible:
    """The same for one test, and for its opposite."""
    field = unparse_term(test.left)
    if field in TYPE_FIELDS and (test.op, test.modifier) in _NAMING:
        return _of_type_test(test)
    if field == "evt.num" and _below_one(test):
        return NONE, ALL
    return ALL, ALL


def _visit(node: Node, inner: list[Possible]) -> Possible:
    if isinstance(node, Test):
        return test_types(node)
    if isinstance(node, Const):
        return (ALL, NONE) if node.value else (NONE, ALL)
    if isinstance(node, Not):
        return inner[0][1], inner[0][0]
    if not isinstance(node, And | Or):
        return ALL, ALL
    true, false = inner[0]
    for more_true, more_false in inner[1:]:
        true, false = (
            (true & more_true, false | more_false) if isinstance(node, And) else (true | more_true, false & more_false)
        )
    return true, false


def _of_type_test(test: Test) -> Possible:
    if isinstance(test.right, Call) or not isinstance(test.right, Text | Items):
        return ALL, ALL
    right = test.right
    names = Types(frozenset((right.value,) if isinstance(right, Text) else _values(right)))
    return (~names, names) if test.op == "!=" else (names, ~names)


def _below_one(test: Test) -> bool:
    """Events are numbered from 1."""
    if test.modifier or test.right is None:
        return False
    if isinstance(test.right, Text) and test.op in ("=", "==", "in"):
        return _is_zero(test.right.value)
    if isinstance(test.right, Items) and test.op == "in":
        return all(_is_zero(value) for value in _values(test.right))
    text = getattr(test.right, "text", "")
    return (test.op == "<" and text in ("0", "1")) or (test.op == "<=" and text == "0")


def _is_zero(text: str) -> bool:
    return text.lstrip("+-") != "" and text.lstrip("+-").strip("0") == ""


def _values(items: Items) -> list[str]:
    return [item.value for item in items.items if isinstance(item, Text)]
