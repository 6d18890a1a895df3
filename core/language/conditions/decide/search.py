"""Search for an event that satisfies a formula, over its alternatives, until the comparisons of one agree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mozu.core.filter.comparison import Comparison, Operand
from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    Bounds,
    Formula,
    Negation,
    all_of,
    leaves,
    necessary,
    negation,
    substitute,
)
from mozu.core.language.conditions.decide.literals import Literal
from mozu.core.language.conditions.decide.outcomes import by_result
from mozu.core.language.conditions.decide.values import agree
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify.fold import fold

EFFORT: Final = 2_000
"""Maximum number of alternatives that one decision tries."""
_LARGEST: Final = 3_000
"""Maximum number of comparisons of a formula that is searched."""

Facts = Mapping[Operand, tuple[Literal, ...]]
"""Operand → comparisons of it that must hold, or must not."""


def can_hold(formula: Formula, resolver: Resolver, effort: int = EFFORT) -> bool:
    """Return False if no event (of the resolver's type, if it has one) satisfies the formula.

    True means that such an event exists, or that the search could not exclude it within `effort` alternatives.
    """
    key = formula, effort
    found = resolver.decided.get(key)
    if found is None:
        found = resolver.decided[key] = _can_hold(formula, resolver, effort)
    return found


def _can_hold(formula: Formula, resolver: Resolver, effort: int) -> bool:
    formula = substitute(fold(formula, resolver), by_result)
    if formula is TRUE or formula is FALSE:
        return formula is TRUE
    if sum(1 for _ in leaves(formula)) > _LARGEST:
        return True
    at_leaves = necessary(formula, lambda leaf: Bounds(leaf, negation(leaf))).true
    return _Search(resolver, effort).succeeds(at_leaves)


def implies(one: Formula, other: Formula, resolver: Resolver, effort: int = EFFORT) -> bool:
    """Return True if every event (of the resolver's type) that satisfies `one` satisfies `other`. False if unknown."""
    parts = other.parts if isinstance(other, AllOf) else (other,)
    return all(not can_hold(all_of((one, negation(part))), resolver, effort) for part in parts)


class _Search:
    def __init__(self, resolver: Resolver, effort: int) -> None:
        self._resolver, self._effort = resolver, effort
        self._known: dict[tuple[Literal, ...], bool] = {}
        """Comparisons of one operand → their agreement."""

    def succeeds(self, formula: Formula) -> bool:
        """Return True if an alternative agrees, or if the effort is spent."""
        waiting: list[tuple[Facts, Sequence[AnyOf]]] = []
        self._push(waiting, {}, (), formula)
        while waiting:
            facts, choices = waiting.pop()
            if not choices:
                return True
            choice = min(choices, key=lambda one: len(one.parts))
            rest = tuple(one for one in choices if one is not choice)
            for part in reversed(choice.parts):
                self._effort -= 1
                if self._effort < 0:
                    return True
                self._push(waiting, facts, rest, part)
        return False

    def _push(
        self, waiting: list[tuple[Facts, Sequence[AnyOf]]], facts: Facts, choices: Sequence[AnyOf], part: Formula
    ) -> None:
        """Add the state in which `part` holds as well, unless it contradicts the facts."""
        known, open_choices = dict(facts), list(choices)
        new: list[Formula] = [part]
        while new:
            one = new.pop()
            if isinstance(one, AllOf):
                new.extend(one.parts)
            elif isinstance(one, AnyOf):
                open_choices.append(one)
            elif one is FALSE or (one is not TRUE and not self._learn(known, one)):
                return
            if not new:
                left = self._reduced(known, open_choices)
                if left is None:
                    return
                open_choices, new = left
        waiting.append((known, open_choices))

    def _learn(self, known: dict[Operand, tuple[Literal, ...]], part: Formula) -> bool:
        """Add one comparison to the facts; return False if it contradicts them."""
        literal = _literal(part)
        before = known.get(literal.test.left, ())
        if literal in before:
            return True
        known[literal.test.left] = now = (*before, literal)
        return self._agree(now)

    def _reduced(self, known: Facts, choices: Iterable[AnyOf]) -> tuple[list[AnyOf], list[Formula]] | None:
        """Return the choices that are still open and the parts that must hold; None if a choice has no part left."""
        left: list[AnyOf] = []
        forced: list[Formula] = []
        for choice in choices:
            possible = [part for part in choice.parts if self._is_possible(known, part)]
            if not possible:
                return None
            if len(possible) == 1:
                forced.append(possible[0])
            elif not any(_is_known(known, part) for part in possible):
                left.append(choice if len(possible) == len(choice.parts) else AnyOf(tuple(possible)))
        return left, forced

    def _is_possible(self, known: Facts, part: Formula) -> bool:
        if isinstance(part, AllOf | AnyOf) or part is TRUE:
            return True
        literal = _literal(part)
        facts = known.get(literal.test.left)
        return facts is None or literal in facts or self._agree((*facts, literal))

    def _agree(self, literals: tuple[Literal, ...]) -> bool:
        found = self._known.get(literals)
        if found is None:
            found = self._known[literals] = agree(literals, self._resolver)
        return found


def _is_known(known: Facts, part: Formula) -> bool:
    if isinstance(part, AllOf | AnyOf) or part is TRUE:
        return part is TRUE
    literal = _literal(part)
    return literal in known.get(literal.test.left, ())


def _literal(part: Formula) -> Literal:
    test: Formula = part.part if isinstance(part, Negation) else part
    assert isinstance(test, Comparison)
    return Literal(test, isinstance(part, Negation))
