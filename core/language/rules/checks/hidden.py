"""Rules that earlier ones hide if only the first match of an event raises an alert (`rule_matching: first`)."""

from collections.abc import Iterator, Sequence
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import AllOf, any_of
from mozu.core.language.conditions.decide import can_hold, implies
from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem

_EFFORT: Final = 100
"""Effort for one pair of rules, or one rule and all before it."""
_TOGETHER: Final = 4
"""Maximum number of earlier rules that are combined."""


def hidden_rule(view: View, before: Sequence[View]) -> Iterator[RuleProblem]:
    """Yield a problem if one of the rules that are tried before this one hides it, or several together."""
    types = view.rule.checked.event_types
    if not can_hold(view.formula, view.resolver, _EFFORT):
        return
    if view.rule.correlation is not None:
        return
    tested = set(view.rule.checked.fields)
    earlier = [
        one
        for one in before
        if one.rule.correlation is None
        and one.rule.source == view.rule.source
        and _share_types(one, view)
        and _demanded(one) <= tested
    ]
    whole = [one for one in earlier if _covers_types(one, types)]
    one = next((one for one in whole if _is_hidden(view, [one])), None)
    if one is not None:
        yield _problem(view, [one])
    elif len(earlier) > 1 and _is_hidden(view, near := _nearest(view, earlier)):
        yield _problem(view, near)


def _share_types(one: View, other: View) -> bool:
    types, others = one.rule.checked.event_types, other.rule.checked.event_types
    return types is None or others is None or not types.isdisjoint(others)


def _demanded(view: View) -> set[str]:
    """Return the fields that every alternative of a condition tests. A rule hidden by this one tests them, too."""
    parts = view.formula.parts if isinstance(view.formula, AllOf) else (view.formula,)
    return {one.field for one in parts if isinstance(one, Comparison) and one.field and one.op != "exists"}


def _covers_types(view: View, types: frozenset[str] | None) -> bool:
    mine = view.rule.checked.event_types
    return mine is None or (types is not None and types <= mine)


def _nearest(view: View, earlier: Sequence[View]) -> list[View]:
    """Return the earlier rules with the most tests in common."""
    tested = set(view.rule.checked.fields)
    ranked = sorted(earlier, key=lambda one: -len(tested & set(one.rule.checked.fields)))
    return ranked[:_TOGETHER]


def _is_hidden(view: View, earlier: Sequence[View]) -> bool:
    wider = any_of(one.formula for one in earlier)
    resolvers = view.by_type or (view.resolver,)
    return all(implies(view.formula, wider, one, _EFFORT) for one in resolvers)


def _problem(view: View, earlier: Sequence[View]) -> RuleProblem:
    if len(earlier) > 1:
        by = "earlier rules together match"
        hint = f"among them: {', '.join(f'`{one.rule.name}`' for one in earlier[:3])}"
    else:
        context = earlier[0].rule.context
        place = f"{context.source.name}:{context.source.place(context.offset)[0] + 1}"
        by = f"`{earlier[0].rule.name}` ({place}), which is tried before it, matches"
        hint = "put this rule first, exclude its case in the other, or set `rule_matching: all`"
    message = f"the rule `{view.rule.name}` never raises an alert: {by} every event that it matches"
    return RuleProblem(Code.LINT_HIDDEN_RULE, message, view.rule.context, view.rule.context.offset, hint)
