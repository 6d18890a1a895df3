"""Simplification of a formula with the rule language's knowledge of fields: one pass per file.

Simplifications valid for any leaves (flattening, absorption, factoring) belong to the algebra
(`core/filter/formula.py`). A pass MUST keep the value for every event (of the given type, if one is given) and MUST be
linear in the number of distinct nodes.
"""

from mozu.core.filter.formula import Formula, factor
from mozu.core.language.conditions.ast import Node
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify.contradiction import contradiction
from mozu.core.language.conditions.simplify.fold import fold
from mozu.core.language.conditions.simplify.merge import merge
from mozu.core.model.fields import FieldRegistry

__all__ = ["contradiction", "fold", "merge", "shortened", "simplified", "simplify"]


def simplify(node: Node, fields: FieldRegistry, source: str = "syscall", event_type: str | None = None) -> Formula:
    """Return the formula of a condition, for events of one type or of any."""
    return simplified(lower(node), Resolver(fields, source, event_type))


def simplified(formula: Formula, resolver: Resolver) -> Formula:
    """Apply all passes."""
    return shortened(fold(formula, resolver), resolver)


def shortened(formula: Formula, resolver: Resolver) -> Formula:
    """Apply the passes after `fold`, whose results are the same for every event type."""
    formula = contradiction(merge(formula, resolver), resolver)
    shorter = factor(formula)
    return formula if shorter is formula else merge(shorter, resolver)
