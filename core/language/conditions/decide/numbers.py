"""Comparisons of one number: bounds, and values that are excluded between them."""

from collections.abc import Sequence
from typing import Final

from mozu.core.filter.comparison import FieldRef, Operand
from mozu.core.language.conditions.decide.literals import Literal, constants
from mozu.core.language.conditions.operands import Typed
from mozu.core.model.fields import FieldType
from mozu.core.model.fields.possible import least

TYPES: Final = frozenset(
    {FieldType.INT, FieldType.UINT, FieldType.PORT, FieldType.DOUBLE, FieldType.RELTIME, FieldType.ABSTIME}
)
_INVERSE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_EXCLUDING: Final = frozenset(("=", "in", "intersects"))

Bound = tuple[float, int]
"""A number, and -1, 0 or 1 for a bound just below, at or just above it."""


def has_value(literals: Sequence[Literal], typed: Typed) -> bool:
    """Return False if no number satisfies these comparisons. Numbers that must equal a constant are tried elsewhere."""
    low, high = _range(typed)
    smallest = _least(literals[0].test.left) if literals else None
    low = low if smallest is None else (smallest, 0)
    excluded: set[float] = set()
    for one in literals:
        op, known = one.test.op, constants(one, typed)
        if op in _INVERSE:
            bound = max(known) if op in ("<", "<=") else min(known)
            op = _INVERSE[op] if one.negated else op
            if op in ("<", "<="):
                high = min(high, (bound, -1 if op == "<" else 0))
            else:
                low = max(low, (bound, 1 if op == ">" else 0))
        elif op in _EXCLUDING and one.negated:
            excluded.update(known)
    if typed.type is FieldType.DOUBLE:
        return low < high or (low == high and low[0] not in excluded)
    first, last = low[0] + (low[1] > 0), high[0] - (high[1] < 0)
    if last - first >= len(excluded):
        return True
    return any(number not in excluded for number in range(int(first), int(last) + 1))


def is_possible(left: Operand, number: int) -> bool:
    """Return False if the operand never has the number."""
    smallest = _least(left)
    return smallest is None or number >= smallest


def _least(left: Operand) -> int | None:
    return least(left.name) if isinstance(left, FieldRef) and left.argument is None else None


def _range(typed: Typed) -> tuple[Bound, Bound]:
    """Return the least and the largest number of the type."""
    if typed.type is FieldType.PORT:
        return (0, 0), (65_535, 0)
    if "dynamic" in typed.traits:
        return (-(1 << 64), 0), (1 << 64, 0)
    if typed.type is FieldType.UINT:
        return (0, 0), ((1 << typed.bits) - 1, 0)
    if typed.type is FieldType.INT:
        return (-(1 << typed.bits - 1), 0), ((1 << typed.bits - 1) - 1, 0)
    return (-(1 << 64), 0), (1 << 64, 0)
