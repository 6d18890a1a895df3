"""The intermediate form of conditions: Boolean formulas over leaves, with one algebra for all of mozu.

A condition is lowered to a formula once (`core/language/conditions/lower.py`). The Python that evaluates rules, process
predicates and the C of the kernel filter are made from this form; nothing else combines or simplifies conditions.

Formulas are made by `all_of`, `any_of` and `negation` only. These intern: equal formulas are the same object, so that
identity is equality. They also simplify: nested AllOf and AnyOf are flattened, doubles dropped, `a and not a` and
constants decided, and redundant parts absorbed (`a or (a and b)` is `a`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_
from typing import Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import msgspec

from mozu.core.model import trees

T = TypeVar("T")
_ABSORBED: Final = 100
"""The most parts of an AllOf or AnyOf that is searched for redundant ones."""


class Leaf(msgspec.Struct, frozen=True, weakref=True):
    """The base of a formula's leaves: comparisons of fields, or the tests of a back end. Equal by content."""


class Constant(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """TRUE or FALSE."""

    value: bool


class Negation(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A formula that is true if the part is false."""

    part: "Formula"


class AllOf(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A formula that is true if every part is."""

    parts: "tuple[Formula, ...]"


class AnyOf(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A formula that is true if at least one part is."""

    parts: "tuple[Formula, ...]"


Formula = AllOf | AnyOf | Negation | Constant | Leaf
_COMPOUND: Final = (AllOf, AnyOf)

TRUE: Final = Constant(value=True)
FALSE: Final = Constant(value=False)

_leaves: "WeakValueDictionary[tuple[object, ...], Leaf]" = WeakValueDictionary()
_compounds: "WeakValueDictionary[tuple[object, ...], Negation | AllOf | AnyOf]" = WeakValueDictionary()
_interned: "WeakValueDictionary[int, Leaf]" = WeakValueDictionary()
"""Id → leaf that is its own representative."""


# --- making formulas


def interned(leaf: Leaf) -> Leaf:
    """Return the representative of all leaves that equal this one."""
    if _interned.get(id(leaf)) is leaf:
        return leaf
    kept = _leaves.setdefault((type(leaf), *msgspec.structs.astuple(leaf)), leaf)
    _interned[id(kept)] = kept
    return kept


def negation(part: Formula) -> Formula:
    """Return the negation of a formula; two cancel."""
    if isinstance(part, Negation):
        return part.part
    if isinstance(part, Constant):
        return FALSE if part.value else TRUE
    if isinstance(part, Leaf):
        part = interned(part)
    return _compounds.setdefault((Negation, id(part)), Negation(part))


def all_of(parts: Iterable[Formula]) -> Formula:
    """Return the conjunction of formulas."""
    return _joined(AllOf, parts, unit=TRUE, zero=FALSE)


def any_of(parts: Iterable[Formula]) -> Formula:
    """Return the disjunction of formulas."""
    return _joined(AnyOf, parts, unit=FALSE, zero=TRUE)


def _joined(kind: type[AllOf] | type[AnyOf], parts: Iterable[Formula], unit: Constant, zero: Constant) -> Formula:
    distinct: dict[int, Formula] = {}
    negated: list[int] = []
    has_compounds = False
    for part in parts:
        for one in part.parts if type(part) is kind else (part,):
            sort = type(one)
            if sort is Negation:
                negated.append(id(one.part))  # type: ignore[union-attr]  # `sort` says that it is one
            elif sort is AllOf or sort is AnyOf:
                has_compounds = True
            elif sort is not Constant:
                one = interned(one)  # type: ignore[arg-type]  # what is left are leaves
            distinct[id(one)] = one
    distinct.pop(id(unit), None)
    if id(zero) in distinct or not distinct.keys().isdisjoint(negated):
        return zero
    if has_compounds and 1 < len(distinct) <= _ABSORBED:
        distinct = _absorbed(distinct)
    found = tuple(distinct.values())
    if len(found) < 2:
        return found[0] if found else unit
    return _compounds.setdefault((kind, *distinct), kind(found))


def _absorbed(parts: dict[int, Formula]) -> dict[int, Formula]:
    """Return the parts that no other makes redundant. AllOf is never directly in AllOf, nor AnyOf in AnyOf:
    flattened."""
    sets = {key: frozenset(map(id, one.parts)) for key, one in parts.items() if isinstance(one, _COMPOUND)}
    gone = {
        key
        for key, mine in sets.items()
        if not mine.isdisjoint(parts) or any(other < mine for other in sets.values())
    }
    return {key: one for key, one in parts.items() if key not in gone} if gone else parts


# --- reading formulas


def parts_of(formula: Formula) -> Sequence[Formula]:
    """Return the formulas right below."""
    if isinstance(formula, _COMPOUND):
        return formula.parts
    return (formula.part,) if isinstance(formula, Negation) else ()


def fold(formula: Formula, visit: Callable[[Formula, list[T]], T]) -> T:
    """Call `visit(node, results of its parts)` once for every node, parts first, without recursion; return the root's
    result."""
    return trees.fold(formula, parts_of, visit)


def leaves(formula: Formula) -> Iterator[Leaf]:
    """Return an iterator over the leaves, each once, in their order."""
    found: list[Leaf] = []
    fold(formula, lambda node, _: found.append(node) if isinstance(node, Leaf) else None)
    return iter(found)


def substitute(
    formula: Formula,
    change: Callable[[Leaf], Formula] = lambda leaf: leaf,
    conjunction: Callable[[Sequence[Formula]], Formula] = all_of,
    disjunction: Callable[[Sequence[Formula]], Formula] = any_of,
) -> Formula:
    """Return the formula with its leaves replaced by `change`, AllOf and AnyOf rebuilt by `conjunction` and
    `disjunction`."""

    def visit(node: Formula, inner: list[Formula]) -> Formula:
        if isinstance(node, AllOf):
            return node if conjunction is all_of and _are_same(node.parts, inner) else conjunction(inner)
        if isinstance(node, AnyOf):
            return node if disjunction is any_of and _are_same(node.parts, inner) else disjunction(inner)
        if isinstance(node, Negation):
            return node if inner[0] is node.part else negation(inner[0])
        return change(node) if isinstance(node, Leaf) else node

    return fold(formula, visit)


def _are_same(parts: Sequence[Formula], others: Sequence[Formula]) -> bool:
    """Return True if these are the same objects: an AllOf or AnyOf made of them would be the existing one."""
    return all(map(is_, parts, others))


def holds(formula: Formula, decide: Callable[[Leaf], bool]) -> bool:
    """Return True if the formula is true, given which leaves are."""
    return may_hold(formula, decide)


def may_hold(formula: Formula, decide: Callable[[Leaf], bool | None]) -> bool:
    """Return True if the formula can be true, given the known values of its leaves (None: unknown)."""

    def visit(node: Formula, inner: list[tuple[bool, bool]]) -> tuple[bool, bool]:
        """Return (True if the node can be true, True if it can be false)."""
        if isinstance(node, AllOf):
            return all(true for true, _ in inner), any(false for _, false in inner)
        if isinstance(node, AnyOf):
            return any(true for true, _ in inner), all(false for _, false in inner)
        if isinstance(node, Negation):
            return inner[0][1], inner[0][0]
        known = decide(node) if isinstance(node, Leaf) else isinstance(node, Constant) and node.value
        return known is not False, known is not True

    return fold(formula, visit)[0]


# --- necessary and exact


class Bounds(NamedTuple):
    """The formulas that a back end can test instead of another: it may discard if the bound that it needs does not
    hold."""

    true: Formula
    """A formula that holds whenever the original is true."""
    false: Formula
    """A formula that holds whenever the original is false."""

    @property
    def is_exact(self) -> bool:
        """True if `true` holds only when the original does: its value is then the original's."""
        return complement(self.true) is self.false


UNKNOWN: Final = Bounds(TRUE, TRUE)
"""Bounds of a formula that cannot be tested."""


def exactly(formula: Formula) -> Bounds:
    """Return the bounds of a formula that is equivalent to this one."""
    return Bounds(formula, complement(formula))


def at_most(formula: Formula) -> Bounds:
    """Return the bounds of a formula that is true only if this one is."""
    return Bounds(formula, TRUE)


def necessary(formula: Formula, bounds: Callable[[Leaf], Bounds]) -> Bounds:
    """Return the bounds of a formula from those of its leaves. Negations in the result are only those in the leaves'
    bounds."""

    def visit(node: Formula, inner: list[Bounds]) -> Bounds:
        if isinstance(node, AllOf):
            return Bounds(all_of(one.true for one in inner), any_of(one.false for one in inner))
        if isinstance(node, AnyOf):
            return Bounds(any_of(one.true for one in inner), all_of(one.false for one in inner))
        if isinstance(node, Negation):
            return Bounds(inner[0].false, inner[0].true)
        return bounds(node) if isinstance(node, Leaf) else Bounds(node, negation(node))

    return fold(formula, visit)


def complement(formula: Formula) -> Formula:
    """Return the negation, with negations at the leaves."""
    if isinstance(formula, Leaf):
        return negation(formula)
    return necessary(formula, lambda leaf: Bounds(leaf, negation(leaf))).false


# --- sharing


def factor(formula: Formula, cost: Callable[[Formula], int] = lambda _: 0) -> Formula:
    """Return `a and (b or c)` for `(a and b) or (a and c)`: shared parts are tested once, the most shared first.

    Of several that are shared equally the cheapest is taken out, otherwise the first.
    """
    return substitute(formula, disjunction=lambda parts: _factored(parts, cost))


def _factored(alternatives: Sequence[Formula], cost: Callable[[Formula], int]) -> Formula:
    joined = any_of(alternatives)
    left = list(joined.parts) if isinstance(joined, AnyOf) else [joined]
    result: list[Formula] = []
    while (shared := _most_shared(left, cost)) is not None:
        under = [one for one in left if shared in _conjuncts(one)]
        left = [one for one in left if shared not in _conjuncts(one)]
        rest = [all_of(part for part in _conjuncts(one) if part is not shared) for one in under]
        result.append(all_of((shared, _factored(rest, cost))))
    return any_of(left + result)


def _conjuncts(formula: Formula) -> tuple[Formula, ...]:
    return formula.parts if isinstance(formula, AllOf) else (formula,)


def _most_shared(alternatives: Sequence[Formula], cost: Callable[[Formula], int]) -> Formula | None:
    """Return the conjunct that most alternatives have, if at least two have it; otherwise None."""
    uses: Counter[int] = Counter()
    nodes: dict[int, Formula] = {}
    for one in alternatives:
        for part in one.parts if isinstance(one, AllOf) else ():
            uses[id(part)] += 1
            nodes[id(part)] = part
    best = max(uses, key=lambda key: (uses[key], -cost(nodes[key])), default=None)
    return nodes[best] if best is not None and uses[best] > 1 else None
