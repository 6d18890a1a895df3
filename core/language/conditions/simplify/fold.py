"""Constant folding: tests decided without a value, by the event's type, by fields that a type never has, or by
impossible
numbers.
"""

from mozu.core.filter.comparison import Comparison, FieldRef, Operand, Term
from mozu.core.filter.formula import FALSE, TRUE, Formula, Leaf, substitute
from mozu.core.language.conditions.ast import bottom_up_term
from mozu.core.language.conditions.eventset import NONE, TYPE_FIELDS, Types, comparison_types
from mozu.core.language.conditions.operands import Resolver
from mozu.core.model.fields.field import never


def fold(formula: Formula, resolver: Resolver) -> Formula:
    """Return the formula for events of the resolver's type (of any type, if it has none)."""
    return substitute(formula, lambda leaf: _decided(leaf, resolver))


def _decided(test: Leaf, resolver: Resolver) -> Formula:
    assert isinstance(test, Comparison)
    true, false = comparison_types(test)
    if true == NONE and isinstance(test.left, FieldRef) and test.left.name == "evt.num":
        return FALSE
    name = resolver.event_type
    if name is None:
        return test
    if test.field in TYPE_FIELDS:
        if not _holds(true, name):
            return FALSE
        # A syscall.type may be missing, and then not even `!=` is true.
        if test.field == "evt.type" and not _holds(false, name):
            return TRUE
    if _never(test.left, resolver) or (test.right is not None and _never(test.right, resolver)):
        return FALSE
    return test


def _holds(types: Types, name: str) -> bool:
    return (name in types.names) != types.negated


def _never(operand: Operand, resolver: Resolver) -> bool:
    """Return True if the operand has no value in any event of this type: a missing argument makes the result
    missing."""

    def visit(term: Term, inner: list[bool]) -> bool:
        if isinstance(term, FieldRef):
            return resolver.resolve(term).read is never
        return any(inner)

    return bottom_up_term(operand, visit)
