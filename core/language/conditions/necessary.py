"""A condition → what must hold of an event for it to be true, as far as single fields decide."""

from typing import Final

from mozu.core.filter.predicate import FALSE, TRUE, AllOf, AnyOf, Comparison, Predicate, all_of, any_of, fold
from mozu.core.language.conditions.ast import (
    And,
    Const,
    FieldRef,
    Items,
    Node,
    Not,
    Number,
    Or,
    Test,
    Text,
    bottom_up,
)
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.tokens import quote
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.fields import Match

_BOTH: Final = (TRUE, TRUE)


def necessary(condition: Node, resolver: Resolver) -> Predicate:
    """TRUE where nothing is known. What compares more than one field with constants counts as true."""

    def visit(node: Node, inner: list[tuple[Predicate, Predicate]]) -> tuple[Predicate, Predicate]:
        """(what the node needs to be true, what it needs to be false)."""
        if isinstance(node, And):
            return all_of(yes for yes, _ in inner), any_of(no for _, no in inner)
        if isinstance(node, Or):
            return any_of(yes for yes, _ in inner), all_of(no for _, no in inner)
        if isinstance(node, Not):
            return inner[0][1], inner[0][0]
        if isinstance(node, Const):
            return (TRUE, FALSE) if node.value else (FALSE, TRUE)
        return _of_test(node, resolver) if isinstance(node, Test) else _BOTH

    return bottom_up(condition, visit)[0]


def as_condition(predicate: Predicate) -> str:
    """A predicate in the rule language; it must not be a constant."""
    return fold(
        predicate,
        lambda fact: f"not {_as_test(fact)}" if fact.negated else _as_test(fact),
        lambda parts: f"({' and '.join(parts)})",
        lambda parts: f"({' or '.join(parts)})",
    )


def _as_test(fact: Comparison) -> str:
    values = f"({', '.join(map(quote, fact.values))})"
    if fact.op == "exists":
        return f"{fact.field} exists"
    if fact.op in ("<", "<=", ">", ">="):
        return f"{fact.field} {fact.op} {fact.values[0]}"
    if fact.op in ("in", "pmatch"):
        return f"{fact.field} {fact.op} {values}"
    return f"{fact.field} {fact.op} {'allof' if fact.op == '!=' else 'anyof'} {values}"


def _of_test(test: Test, resolver: Resolver) -> tuple[Predicate, Predicate]:
    left = test.left
    if not isinstance(left, FieldRef):
        return _BOTH
    typed = resolver.typed(left)
    if typed.is_list or typed.match is not Match.ONE or "at_most" in typed.traits or "host_name" in typed.traits:
        return _BOTH
    values = _constants(test)
    if values is None:
        return _BOTH
    if not values and test.op != "exists":
        return FALSE, TRUE  # no test with an empty list holds
    field, op = unparse_term(left), "in" if test.op in ("=", "==", "in", "intersects") else test.op
    joint = "allof" if op == "!=" else "anyof"
    if test.modifier in ("", joint) or len(values) == 1:
        return Comparison(field, op, values), Comparison(field, op, values, negated=True)
    if test.modifier == "oneof":
        return Comparison(field, op, values) if op != "!=" else TRUE, TRUE
    yes = tuple(Comparison(field, op, (value,)) for value in values)
    no = tuple(Comparison(field, op, (value,), negated=True) for value in values)
    return (AllOf(yes), AnyOf(no)) if test.modifier == "allof" else (AnyOf(yes), AllOf(no))


def _constants(test: Test) -> tuple[str, ...] | None:
    """As written; None where the right side is no constant."""
    right = test.right
    if right is None:
        return ()
    if isinstance(right, Text):
        return (right.value,)
    if isinstance(right, Number):
        return (right.text,)
    if isinstance(right, Items):
        values = tuple(item.value for item in right.items if isinstance(item, Text))
        return values if len(values) == len(right.items) else None
    return None
