"""What can be decided without a value: tests on the event's type, on fields that events of a type never have, on
numbers that no event has, on empty lists."""

from mozu.core.language.conditions.ast import (
    Call,
    Const,
    FieldRef,
    Items,
    Node,
    Operand,
    Term,
    Test,
    Val,
    bottom_up_term,
)
from mozu.core.language.conditions.eventset import NONE, TYPE_FIELDS, Types, test_types
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify.builder import FALSE, TRUE, Builder, rebuilt
from mozu.core.model.fields.field import never


def fold(node: Node, resolver: Resolver, builder: Builder) -> Node:
    """The condition for events of the resolver's type (of any type, if it has none)."""
    return rebuilt(node, builder, lambda leaf: _decided(leaf, resolver) if isinstance(leaf, Test) else leaf)


def _decided(test: Test, resolver: Resolver) -> Test | Const:
    true, false = test_types(test)
    if true == NONE and not isinstance(test.left, Call) and test.left.name == "evt.num":
        return FALSE
    if isinstance(test.right, Items) and not test.right.items:
        return FALSE
    name = resolver.event_type
    if name is None:
        return test
    if isinstance(test.left, FieldRef) and test.left.name in TYPE_FIELDS and test.left.argument is None:
        if not _holds(true, name):
            return FALSE
        # A syscall.type may be missing, and then not even `!=` is true.
        if test.left.name == "evt.type" and not _holds(false, name):
            return TRUE
    if _never(test.left, resolver) or (isinstance(test.right, Call) and _never(test.right, resolver)):
        return FALSE
    if isinstance(test.right, Val) and _never(test.right.field, resolver):
        return FALSE
    return test


def _holds(types: Types, name: str) -> bool:
    return (name in types.names) != types.negated


def _never(operand: Operand, resolver: Resolver) -> bool:
    """Whether it has no value in any event of this type: missing arguments make results missing."""

    def visit(term: Term, inner: list[bool]) -> bool:
        if isinstance(term, FieldRef):
            return resolver.resolve(term).read is never
        return any(inner)

    return bottom_up_term(operand, visit)
