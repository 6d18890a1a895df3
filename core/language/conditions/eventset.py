"""The static event set: event types for which a condition could be true, derived from its tests on the type alone."""

from typing import Final

import msgspec

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import AllOf, AnyOf, Constant, Formula, Leaf, Negation, fold

TYPE_FIELDS: Final = ("evt.type", "syscall.type")


class Types(msgspec.Struct, frozen=True):
    """A set of event types, or its complement."""

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


NONE: Final = Types(frozenset())
ALL: Final = Types(frozenset(), negated=True)

Possible = tuple[Types, Types]
"""Types for which a node can be true, and types for which it can be false."""


def event_types(formula: Formula) -> Types:
    """Return the types for which the formula could be true."""
    return fold(formula, _visit)[0]


def comparison_types(test: Leaf) -> Possible:
    """Return the types for which one comparison could be true, and those for which it could be false."""
    if not isinstance(test, Comparison):
        return ALL, ALL
    if test.field in TYPE_FIELDS and test.op in ("=", "in", "!="):
        names = Types(frozenset(test.values))
        return (~names, names) if test.op == "!=" else (names, ~names)
    return (NONE, ALL) if test.field == "evt.num" and _below_one(test) else (ALL, ALL)


def _visit(node: Formula, inner: list[Possible]) -> Possible:
    if isinstance(node, Leaf):
        return comparison_types(node)
    if isinstance(node, Constant):
        return (ALL, NONE) if node.value else (NONE, ALL)
    if isinstance(node, Negation):
        return inner[0][1], inner[0][0]
    assert isinstance(node, AllOf | AnyOf)
    true, false = inner[0]
    for more_true, more_false in inner[1:]:
        if isinstance(node, AllOf):
            true, false = true & more_true, false | more_false
        else:
            true, false = true | more_true, false & more_false
    return true, false


def _below_one(test: Comparison) -> bool:
    """Return True if the test on `evt.num` can only hold below 1: events are numbered from 1."""
    if test.op in ("=", "in"):
        return all(map(_is_zero, test.values))
    return (test.op == "<" and test.values[0] in ("0", "1")) or (test.op == "<=" and test.values[0] == "0")


def _is_zero(text: str) -> bool:
    return text.lstrip("+-") != "" and text.lstrip("+-").strip("0") == ""
