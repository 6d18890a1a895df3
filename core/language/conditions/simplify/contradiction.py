"""Comparisons that cannot all hold: `f = a and f != a`, `f in (a, b) and not f in (a, b, c)`, `f = a and f = b`."""

from collections.abc import Sequence

from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import FALSE, Formula, Negation, all_of, substitute
from mozu.core.language.conditions.operands import TEXT, Resolver
from mozu.core.model.fields import Match


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
            if resolver.typed(test.left).type in TEXT:
                allowed[test.left] = known & values
    return any(not values - barred.get(left, set()) for left, values in allowed.items())


def _is_single(test: Comparison, resolver: Resolver) -> bool:
    typed = resolver.typed(test.left)
    return not typed.is_list and typed.match is Match.ONE and typed.traits.isdisjoint(("at_most", "host_name"))
