"""The relation of two conditions, decided by the algebra of conditions, without an event."""

import enum
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, TRUE, AllOf, AnyOf, Bounds, Formula, Negation, necessary, negation
from mozu.core.language.conditions.decide import implies
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.rules.checks.view import View

_DEPTH: Final = 100
"""Levels of nesting that are compared part by part; what lies deeper is not proved that way."""


class Relation(enum.Enum):
    """Relation of the events that two conditions match. Every value except UNDECIDED is proved."""

    SAME = "same"
    REWRITTEN = "rewritten"
    """Another formula that matches the same events."""
    WIDENED = "widened"
    """Every event that matched still matches; that more events match is not proved."""
    NARROWED = "narrowed"
    """No event matches that did not match before; that fewer match is not proved."""
    UNDECIDED = "undecided"


def relation(before: View, after: View) -> Relation:
    """Return the relation of the conditions of two rules of one source class."""
    if before.formula is after.formula:
        return Relation.SAME
    is_wider, is_narrower = _implies(before, after), _implies(after, before)
    if is_wider and is_narrower:
        return Relation.REWRITTEN
    if is_wider or is_narrower:
        return Relation.WIDENED if is_wider else Relation.NARROWED
    return Relation.UNDECIDED


def _implies(one: View, other: View) -> bool:
    """Return True if every event that satisfies `one` satisfies `other`, for each event type that `one` can match."""
    first, second = _at_leaves(one.formula), _at_leaves(other.formula)
    resolvers = one.by_type or (one.resolver,)
    return all(
        _Parts(resolver).follows(first, second, _DEPTH) or implies(one.formula, other.formula, resolver)
        for resolver in resolvers
    )


def _at_leaves(formula: Formula) -> Formula:
    """Return the formula with negations at leaves only."""
    return necessary(formula, lambda leaf: Bounds(leaf, negation(leaf))).true


class _Parts:
    """A comparison of two formulas part by part, which proves local changes of conditions that are too large for the
    search of `implies`."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[int, int], bool] = {}

    def follows(self, one: Formula, other: Formula, depth: int) -> bool:
        """Return True if `one` is proved to imply `other`; both have negations at leaves only, and outlive this
        object."""
        if one is other or one is FALSE or other is TRUE:
            return True
        key = id(one), id(other)
        if depth and key not in self._known:
            self._known[key] = self._compare(one, other, depth - 1)
        return self._known.get(key, False)

    def _compare(self, one: Formula, other: Formula, depth: int) -> bool:
        if isinstance(one, AnyOf):
            return all(self.follows(part, other, depth) for part in one.parts)
        if isinstance(other, AllOf):
            return all(self.follows(one, part, depth) for part in other.parts)
        if isinstance(one, AllOf) and any(self.follows(part, other, depth) for part in one.parts):
            return True
        if isinstance(other, AnyOf):
            return any(self.follows(one, part, depth) for part in other.parts)
        mine, its = _compared(one), _compared(other)
        return mine is not None and its is not None and mine.left == its.left and implies(one, other, self._resolver)


def _compared(part: Formula) -> Comparison | None:
    """Return the comparison of a leaf or of a negated one; None for anything else."""
    leaf = part.part if isinstance(part, Negation) else part
    return leaf if isinstance(leaf, Comparison) else None
