"""The condition of a rule by which an index finds it: a test of one field against constants, or one of several such."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from mozu.core.conditions.ast import Call, Node, Operand, Or, Test, Val
from mozu.core.conditions.generate import matchers
from mozu.core.conditions.generate.index import Atom
from mozu.core.conditions.generate.test_code import constants
from mozu.core.conditions.operands import TEXT, Resolver, Typed
from mozu.core.conditions.unparse import unparse_term
from mozu.core.fields import FieldType, Match

_HASHED: Final = TEXT | {
    FieldType.BYTES,
    FieldType.INT,
    FieldType.UINT,
    FieldType.PORT,
    FieldType.ABSTIME,
    FieldType.RELTIME,
    FieldType.IPADDR,
}
_SEARCHED: Final = ("startswith", "endswith", "contains")
_TRIED: Final = ("icontains", "glob", "iglob", "regex", "pmatch")


class Key(msgspec.Struct, frozen=True):
    """A conjunct that an index can serve."""

    node: Node
    left: Operand
    field: str
    """The operand's text."""
    atoms: tuple[tuple[str, Any], ...]
    """(op, value): what makes the rule a candidate; equal pairs of different rules are the same work."""


def key_of(node: Node, resolver: Resolver) -> Key | None:
    """The key that a conjunct is, if it is one."""
    tests = node.children if isinstance(node, Or) else (node,)
    atoms: list[tuple[str, Any]] = []
    left: Operand | None = None
    for test in tests:
        if not isinstance(test, Test) or isinstance(test.right, Call | Val):
            return None
        if left is not None and unparse_term(left) != unparse_term(test.left):
            return None
        left = test.left
        found = _atoms(test, resolver.typed(left))
        if found is None:
            return None
        atoms.extend(found)
    return None if left is None else Key(node, left, unparse_term(left), tuple(atoms))


def atom(op: str, value: Any, rule: int) -> Atom:
    """The entry of an index for one rule."""
    if op in ("=", *_SEARCHED):
        return Atom(op, value, rule)
    return Atom("?", value, rule, _tester(op, value))


def _tester(op: str, values: Any) -> Callable[[Any], bool]:
    return matchers.any_of(op, values)


def _atoms(test: Test, typed: Typed) -> Sequence[tuple[str, Any]] | None:
    if typed.is_list or typed.match is not Match.ONE or typed.type not in _HASHED or "at_most" in typed.traits:
        return None
    if test.modifier not in ("", "anyof"):
        return None
    if test.op in ("=", "==", "in", "intersects"):
        return [("=", value) for value in constants(test, typed)]
    if typed.type not in TEXT:
        return None
    if test.op in _SEARCHED:
        values = constants(test, typed)
        return None if any(matchers.broken(value) for value in values) else [(test.op, value) for value in values]
    return [(test.op, tuple(constants(test, typed)))] if test.op in _TRIED else None
