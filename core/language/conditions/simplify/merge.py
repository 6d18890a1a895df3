"""Merging of comparisons of one operand: `f = a or f = b` → `f in (a, b)`, likewise `f glob anyof (a, b)`.

Under `and`, negated comparisons are merged the same way, and `f != a and f != b` → `f != allof (a, b)`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from mozu.core.filter.comparison import EQUALITY, Comparison, Operand
from mozu.core.filter.formula import Formula, Leaf, Negation, all_of, any_of, interned, negation, substitute
from mozu.core.language.conditions.operands import Resolver, Typed

_ANY: Final = frozenset(
    ("contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "glob", "iglob", "regex", "pmatch")
)


def merge(formula: Formula, resolver: Resolver) -> Formula:
    """Return an equivalent formula with fewer comparisons."""

    def conjunction(parts: Sequence[Formula]) -> Formula:
        others = [part for part in parts if not _is_negated(part)]
        tests = [part.part for part in parts if isinstance(part, Negation) and _is_negated(part)]
        refused = [negation(test) for test in _merged(tests, "in", resolver)]
        return all_of(_merged([*others, *refused], "!=", resolver))

    return substitute(
        formula,
        lambda leaf: _normal(leaf, resolver),
        conjunction,
        lambda parts: any_of(_merged(parts, "in", resolver)),
    )


def _is_negated(part: Formula) -> bool:
    return isinstance(part, Negation) and isinstance(part.part, Comparison)


def _normal(test: Leaf, resolver: Resolver) -> Formula:
    """Replace `intersects` on a single value with `in`."""
    if isinstance(test, Comparison) and test.op == "intersects" and not resolver.typed(test.left).is_list:
        return interned(msgspec.structs.replace(test, op="in"))
    return test


def _merged(children: Sequence[Formula], sets: str, resolver: Resolver) -> list[Formula]:
    groups: dict[object, list[Comparison]] = {}
    order: list[object] = []
    others: dict[object, Formula] = {}
    for child in children:
        key = _group(child, sets, resolver) if isinstance(child, Comparison) else None
        if key is None:
            others[id(child)] = child
            order.append(id(child))
        else:
            assert isinstance(child, Comparison)
            if key not in groups:
                order.append(key)
            groups.setdefault(key, []).append(child)
    return [others[key] if key in others else _union(groups[key]) for key in order]


def _group(test: Comparison, sets: str, resolver: Resolver) -> tuple[Operand, str] | None:
    """Return the key that comparisons mergeable with this one share; None if it cannot be merged."""
    if test.right is not None or test.exactly_one:
        return None
    if sets == "!=":
        return (test.left, "!=") if test.op == "!=" else None
    if test.op in EQUALITY and _is_single(resolver.typed(test.left)):
        return test.left, "in"
    return (test.left, test.op) if test.op in _ANY else None


def _is_single(left: Typed) -> bool:
    return not left.is_list and "at_most" not in left.traits


def _union(tests: Sequence[Comparison]) -> Formula:
    first = tests[0]
    if len(tests) == 1:
        return first
    values = tuple(dict.fromkeys(value for test in tests for value in test.values))
    op = "in" if first.op in EQUALITY else first.op
    return interned(msgspec.structs.replace(first, op=op, values=values))
