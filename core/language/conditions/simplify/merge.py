"""Tests of one field become one: `f = a or f = b` → `f in (a, b)`, `f glob a or f glob b` → `f glob anyof (a, b)`.

Under `and` the same is done to the negated tests, and `f != a and f != b` → `f != allof (a, b)`.
"""

from collections.abc import Sequence

import msgspec

from mozu.core.language.conditions.ast import And, Items, Node, Not, Or, Test, Text, bottom_up
from mozu.core.language.conditions.operands import Resolver, Typed
from mozu.core.language.conditions.simplify.builder import Builder
from mozu.core.language.conditions.unparse import unparse_term

_SETS = ("=", "==", "in")
_ANY = ("contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "glob", "iglob", "regex")


def merge(node: Node, resolver: Resolver, builder: Builder) -> Node:
    """The same condition with fewer tests."""

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, Or):
            return builder.any_of(_merged(inner, "in", resolver, builder))
        if isinstance(node, And):
            return builder.all_of(_negated(_merged(inner, "!=", resolver, builder), resolver, builder))
        if isinstance(node, Not):
            return builder.negate(inner[0])
        return builder.leaf(_normal(node, resolver) if isinstance(node, Test) else node)

    return bottom_up(node, visit)


def _normal(test: Test, resolver: Resolver) -> Test:
    """`= anyof (…)` is `in (…)`, `==` is `=`, `intersects` on a single value is `in`."""
    if test.op in ("=", "==") and test.modifier == "anyof":
        return msgspec.structs.replace(test, op="in", modifier="")
    if test.op == "==":
        return msgspec.structs.replace(test, op="=")
    if test.op == "intersects" and not resolver.typed(test.left).is_list:
        return msgspec.structs.replace(test, op="in")
    return test


def _negated(children: Sequence[Node], resolver: Resolver, builder: Builder) -> list[Node]:
    """`not a and not b` → `not (a or b)`, where a and b are tests of one field."""
    others = [child for child in children if not (isinstance(child, Not) and isinstance(child.child, Test))]
    tests = [child.child for child in children if isinstance(child, Not) and isinstance(child.child, Test)]
    return others + [builder.negate(test) for test in _merged(tests, "in", resolver, builder)]


def _merged(children: Sequence[Node], sets: str, resolver: Resolver, builder: Builder) -> list[Node]:
    groups: dict[object, list[Test]] = {}
    order: list[object] = []
    others: dict[object, Node] = {}
    for child in children:
        key = _group(child, sets, resolver) if isinstance(child, Test) else None
        if key is None:
            others[id(child)] = child
            order.append(id(child))
        else:
            assert isinstance(child, Test)
            if key not in groups:
                order.append(key)
            groups.setdefault(key, []).append(child)
    return [others[key] if key in others else builder.leaf(_union(groups[key])) for key in order]


def _group(test: Test, sets: str, resolver: Resolver) -> tuple[str, str] | None:
    """What tests that may be merged with this one have in common."""
    if not isinstance(test.right, Text | Items):
        return None
    left = unparse_term(test.left)
    if sets == "!=":
        return (left, "!=") if test.op == "!=" and test.modifier in ("", "allof") and _some(test) else None
    if test.op in _SETS and not test.modifier and _single(resolver.typed(test.left)):
        return left, "in"
    if test.op == "pmatch":
        return left, "pmatch"
    if test.op in _ANY and test.modifier in ("", "anyof"):
        return left, test.op
    return None


def _single(left: Typed) -> bool:
    return not left.is_list and "at_most" not in left.traits


def _some(test: Test) -> bool:
    """`!= allof ()` is false, and not the neutral element."""
    return not isinstance(test.right, Items) or bool(test.right.items)


def _union(tests: Sequence[Test]) -> Test:
    first = tests[0]
    if len(tests) == 1:
        return first
    values: dict[str, Text] = {}
    for test in tests:
        items = test.right.items if isinstance(test.right, Items) else (test.right,)
        values.update((item.value, item) for item in items if isinstance(item, Text))
    right = Items(tuple(values.values()))
    if first.op in _SETS:
        return msgspec.structs.replace(first, op="in", right=right)
    if first.op == "pmatch":
        return msgspec.structs.replace(first, right=right)
    return msgspec.structs.replace(first, modifier="allof" if first.op == "!=" else "anyof", right=right)
