"""Filtering and actions of sources for one rule: exact or necessary predicates, by event type."""

from collections.abc import Iterable, Mapping, Sequence

from mozu.core.api.declarations import AnySource
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import TRUE
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.language.conditions import RuleInput, compile_rules, text_of
from mozu.core.language.rules import Rule
from mozu.core.model.fields import FieldRegistry

Filters = dict[str, dict[str, dict[str, str]]]
"""Source → event type → `precision`, `inexact`, and why the source cannot kill for the rule in the kernel
(`undecided`), or deny there (`undenied`)."""


def of_rule(
    rule: Rule, fields: FieldRegistry, sources: Iterable[AnySource], longest: int | None = None
) -> Filters:
    """Return what each source that filters by predicates can test of a rule, and if it could kill. Lists in its texts
    have `longest` items at most."""
    demand = demand_of([rule], fields)
    return {
        source.name: {name: _as_data(one, longest) for name, one in sorted(source.pushdown(demand, fields).items())}
        for source in sources
        if source.pushdown is not None and source.event_source == rule.source
    }


def lines(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line for each text, with all event types to which the text applies."""
    types: dict[str, list[str]] = {}
    for name, one in found.items():
        text = one["precision"]
        if one["inexact"]:
            text += f"; the first test that is not exact is: {one['inexact']}"
        types.setdefault(text, []).append("every type" if name == "*" else name)
    return [f"{', '.join(names)}: {text}" for text, names in types.items()]


def act_lines(found: Mapping[str, Mapping[str, str]], why: str) -> list[str]:
    """Return lines on whether the kernel could act for a responder: `undecided` for `kill`, `undenied` for `deny`."""
    types: dict[str, list[str]] = {}
    for name, one in found.items():
        text = f"no: {one[why]}" if one[why] else "yes"
        types.setdefault(text, []).append("every type" if name == "*" else name)
    return [f"{', '.join(names)}: {text}" for text, names in types.items()]


def demand_of(rules: Sequence[Rule], fields: FieldRegistry) -> Demand:
    """Return the demand of an evaluator of these rules, as far as conditions and outputs go."""
    program = compile_rules([RuleInput(rule.name, rule.source, rule.checked.node) for rule in rules], fields)
    types: dict[str, dict[str, Interest]] = {}
    for source, needs in program.needs.items():
        predicates = program.predicates.get(source, {})
        types[source] = {
            name: Interest(need | _outputs(rules, source, name), predicates.get(name, TRUE))
            for name, need in needs.items()
        }
    return Demand(types)


def _outputs(rules: Iterable[Rule], source: str, event_type: str) -> frozenset[str]:
    name = None if event_type == "*" else event_type
    of_source = (rule for rule in rules if rule.source == source)
    return frozenset().union(*(rule.output.needs(name) for rule in of_source if name is None or _can(rule, name)))


def _can(rule: Rule, event_type: str) -> bool:
    types = rule.checked.event_types
    return types is None or event_type in types


def _as_data(one: Pushdown, longest: int | None) -> dict[str, str]:
    text = "" if one.inexact is None or one.precision is Precision.EXACT else text_of(one.inexact, longest)
    acts = {"undecided": why(one.undecided, longest), "undenied": why(one.undenied, longest)}
    return {"precision": one.precision.value, "inexact": text, **acts}


def why(undecided: Comparison | str | None, longest: int | None = None) -> str:
    """Return why the source does not act on such an event in the kernel; empty if it does."""
    if isinstance(undecided, Comparison):
        return f"it is not decided there for good: {text_of(undecided, longest)}"
    return undecided or ""
