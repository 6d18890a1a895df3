"""The conjunct of a rule that an index uses: a test of one field against constants, or a disjunction of such tests."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from mozu.core.filter.comparison import Comparison, Operand
from mozu.core.filter.formula import AnyOf, Formula
from mozu.core.language.conditions.generate import matchers
from mozu.core.language.conditions.generate.comparison import constants
from mozu.core.language.conditions.generate.index import Atom
from mozu.core.language.conditions.globs import longest
from mozu.core.language.conditions.operands import TEXT, Resolver, Typed
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.fields import FieldType, Match

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
_TELLING: Final = 3
"""Minimum number of consecutive characters of a pattern for a search by these characters."""
_TRIED: Final = ("icontains", "glob", "iglob", "regex", "pmatch")


class Key(msgspec.Struct, frozen=True):
    """A conjunct that an index can serve."""

    node: Formula
    left: Operand
    field: str
    """The operand as text."""
    atoms: tuple[tuple[str, Any], ...]
    """(op, value) pairs that make the rule a candidate; equal pairs of different rules are looked up once."""
    exact: bool
    """True if a candidate satisfies the conjunct; else the conjunct must still be tested."""


def key_of(node: Formula, resolver: Resolver) -> Key | None:
    """Return the key for a conjunct; None if it is unsuitable."""
    tests = node.parts if isinstance(node, AnyOf) else (node,)
    atoms: list[tuple[str, Any]] = []
    left: Operand | None = None
    for test in tests:
        if not isinstance(test, Comparison) or test.right is not None:
            return None
        if left is not None and left != test.left:
            return None
        left = test.left
        found = _atoms(test, resolver.typed(left))
        if found is None:
            return None
        atoms.extend(found)
    if left is None or not atoms:
        return None
    exact = all(test.op not in ("glob", "iglob") for test in tests if isinstance(test, Comparison))
    return Key(node, left, unparse_term(left), tuple(atoms), exact)


def atom(op: str, value: Any, rule: int) -> Atom:
    """Return the entry of an index for one rule."""
    if op in ("=", *_SEARCHED):
        return Atom(op, value, rule)
    return Atom("?", value, rule, _tester(op, value))


def _tester(op: str, values: Any) -> Callable[[Any], bool]:
    return matchers.any_of(op, values)


def _atoms(test: Comparison, typed: Typed) -> Sequence[tuple[str, Any]] | None:
    if typed.is_list or typed.match is not Match.ONE or typed.type not in _HASHED or "at_most" in typed.traits:
        return None
    if test.exactly_one:
        return None
    if test.op in ("=", "in", "intersects"):
        return [("=", value) for value in constants(test, typed)]
    if typed.type not in TEXT:
        return None
    if test.op in _SEARCHED:
        values = constants(test, typed)
        is_invalid = any(map(matchers.has_invalid_utf8, values))
        return None if is_invalid else [(test.op, value) for value in values]
    if test.op == "glob":
        parts = [longest(pattern) for pattern in constants(test, typed)]
        if all(len(part) >= _TELLING and not matchers.has_invalid_utf8(part) for part in parts):
            return [("contains", part) for part in parts]
    return [(test.op, tuple(constants(test, typed)))] if test.op in _TRIED else None
