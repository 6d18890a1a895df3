"""Comparisons that cannot all hold: `f = a and f != a`, `f in (a, b) and not f in (a, b, c)`, `f = a and f = b`."""

from collections.abc import Sequence

from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import FALSE, Formula, Negation, all_of, substitute
from mozu.core.language.conditions.operands import TEXT, Resolver
from mozu.core.language.conditions.values import constant
from mozu.core.model.fields import FieldType, Match


def contradiction(formula: Formula, resolver: Resolver) -> Formula:
    """Return the formula with contradictions replaced by false."""
    return substitute(
        formula, conjunction=lambda parts: FALSE if _contradicts(parts, resolver) else all_of(parts)
    )


def _contradicts(parts: Sequence[Formula], resolver: Resolver) -> bool:
    """Return True if an operand would need a value that is excluded."""
    allowed: dict[object, set[str]] = {}
    barred: dict[object, set[str]] = {}
    for part in parts:
        test = part.part if isinstance(part, Negation) else part
        if not isinstance(test, Comparison) or not test.values or test.exactly_one or not _is_single(test, resolver):
            continue
        is_negated, values = isinstance(part, Negation), set(test.values)
        if (test.op == "!=" and not is_negated) or (test.op in EQUALITY and is_negated):
            barred.setdefault(test.left, set()).update(values)
        elif test.op in EQUALITY:
            known = allowed.setdefault(test.left, values)
            if known is not values and (
                _compares_as_written(test, resolver) or _are_disjoint(test, known, resolver)
            ):
                allowed[test.left] = known & values
    return any(not values - barred.get(left, set()) for left, values in allowed.items())


def _compares_as_written(test: Comparison, resolver: Resolver) -> bool:
    return resolver.typed(test.left).type in TEXT


def _are_disjoint(test: Comparison, known: set[str], resolver: Resolver) -> bool:
    """Return True if no constant of the test equals a known one: `80` and `http` are one port."""
    typed = resolver.typed(test.left)
    if typed.type is FieldType.IPNET:
        return False
    mine, others = ({constant(typed.type, typed.bits, "=", text) for text in texts} for texts in (test.values, known))
    return mine.isdisjoint(others)


def _is_single(test: Comparison, resolver: Resolver) -> bool:
    typed = resolver.typed(test.left)
    return not typed.is_list and typed.match is Match.ONE and typed.traits.isdisjoint(("at_most", "host_name"))
