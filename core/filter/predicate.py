"""What a source may leave out: tests of single fields, combined. Plain data, so that every source can read it.

A predicate is *necessary*: no rule matches an event for which it does not hold. A comparison that a source
cannot test counts as true, which keeps the rest necessary; so negation stands on comparisons only.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from mozu.core.model import trees

T = TypeVar("T")


class Comparison(msgspec.Struct, frozen=True):
    """A test of one field with constants, as the rule language means it.

    True where the field has a value and `op` holds for at least one of the constants (`!=`: for all of them), false in
    every other case; `negated` turns that round, missing values included.
    """

    field: str
    """With its argument, as written: `evt.arg.flags`."""
    op: str
    """in, !=, startswith, endswith, contains, glob, pmatch, <, <=, >, >=, exists or any other of the language."""
    values: tuple[str, ...] = ()
    """As written."""
    negated: bool = False


class AllOf(msgspec.Struct, frozen=True, eq=False):
    """Every part must hold."""

    parts: "tuple[Predicate, ...]"


class AnyOf(msgspec.Struct, frozen=True, eq=False):
    """One part must hold."""

    parts: "tuple[Predicate, ...]"


Predicate = Comparison | AllOf | AnyOf

TRUE: Final = AllOf(())
"""Lets every event pass."""
FALSE: Final = AnyOf(())


def all_of(parts: Iterable[Predicate]) -> Predicate:
    """True where all are; nested ones are taken apart, doubles dropped."""
    return _joined(AllOf, parts, zero=FALSE)


def any_of(parts: Iterable[Predicate]) -> Predicate:
    """True where one is; likewise."""
    return _joined(AnyOf, parts, zero=TRUE)


def _joined(kind: type[AllOf] | type[AnyOf], parts: Iterable[Predicate], zero: Predicate) -> Predicate:
    distinct: dict[object, Predicate] = {}
    for part in parts:
        for one in part.parts if isinstance(part, kind) else (part,):
            if one is zero:
                return zero
            distinct[one if isinstance(one, Comparison) else id(one)] = one
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    return kind(tuple(distinct.values())) if distinct else (TRUE if kind is AllOf else FALSE)


def fold(
    predicate: Predicate,
    fact: Callable[[Comparison], T],
    every: Callable[[Sequence[T]], T],
    some: Callable[[Sequence[T]], T],
) -> T:
    """The value of a predicate from those of its facts, each node looked at once."""

    def visit(node: Predicate, inner: list[T]) -> T:
        if isinstance(node, Comparison):
            return fact(node)
        return (every if isinstance(node, AllOf) else some)(inner)

    return trees.fold(predicate, lambda node: () if isinstance(node, Comparison) else node.parts, visit)


def holds(predicate: Predicate, fact: Callable[[Comparison], bool]) -> bool:
    """Whether a predicate holds, given which facts do."""
    return fold(predicate, fact, all, any)
