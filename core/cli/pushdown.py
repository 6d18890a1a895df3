"""What sources can filter of one rule: exact or necessary, by event type."""

from collections.abc import Iterable, Mapping

from mozu.core.api.declarations import AnySource
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import TRUE
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.language.conditions import RuleInput, compile_rules, text_of
from mozu.core.language.rules import Rule
from mozu.core.model.fields import FieldRegistry

Filters = dict[str, dict[str, dict[str, str]]]
"""Source → event type → `precision` and `inexact`."""


def of_rule(rule: Rule, fields: FieldRegistry, sources: Iterable[AnySource]) -> Filters:
    """What each source that filters by predicates can test."""
    demand = _demand(rule, fields)
    return {
        source.name: {name: _as_data(one) for name, one in sorted(source.pushdown(demand, fields).items())}
        for source in sources
        if source.pushdown is not None and source.event_source == rule.source
    }


def lines(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line for all event types of which the same is to be said."""
    types: dict[str, list[str]] = {}
    for name, one in found.items():
        text = one["precision"]
        if one["inexact"]:
            text += f"; the first test that is not exact is: {one['inexact']}"
        types.setdefault(text, []).append("every type" if name == "*" else name)
    return [f"{', '.join(names)}: {text}" for text, names in types.items()]


def _demand(rule: Rule, fields: FieldRegistry) -> Demand:
    program = compile_rules([RuleInput(rule.name, rule.source, rule.checked.node)], fields)
    predicates = program.predicates.get(rule.source, {})
    interests = {
        name: Interest(needs | rule.output.needs(None if name == "*" else name), predicates.get(name, TRUE))
        for name, needs in program.needs.get(rule.source, {}).items()
    }
    return Demand({rule.source: interests})


def _as_data(one: Pushdown) -> dict[str, str]:
    text = "" if one.inexact is None or one.precision is Precision.EXACT else text_of(one.inexact)
    return {"precision": one.precision.value, "inexact": text}
