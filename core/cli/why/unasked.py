"""Reasons why a rule is not evaluated for an event, or its match raises no alert: another source class, a type of
events that the rule cannot match, a rule that does not run, a kernel filter that discards the event, an earlier rule
that matches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mozu.core.api.declarations import AnySource
from mozu.core.cli.pushdown import demand_of
from mozu.core.cli.rules_in_force import RulesInForce
from mozu.core.cli.why.explanation import Unasked
from mozu.core.filter.formula import AllOf, Formula
from mozu.core.filter.pushdown import Pushdown
from mozu.core.language.conditions import NodeTruths, RuleInput, compile_rules, text_of
from mozu.core.language.rules import Rule
from mozu.core.model.event import Event

_SHOWN_TYPES: Final = 12
_SHOWN_TESTS: Final = 3
_LONGEST: Final = 200
"""Characters of a test."""


class Unaskeds:
    """The reasons for the rules in force of one evaluator, and the sources of the configuration."""

    def __init__(self, force: RulesInForce, sources: Sequence[AnySource]) -> None:
        self._force, self._sources = force, [source for source in sources if source.pushdown is not None]
        inputs = [RuleInput(rule.name, rule.source, rule.checked.node) for rule in force.running]
        self._program = compile_rules(inputs, force.fields, "all")
        self._demand = demand_of(force.running, force.fields)
        self._pushdowns: dict[str, Mapping[str, Pushdown]] = {}

    def of(self, rule: Rule, event: Event, truths: NodeTruths) -> list[Unasked]:
        """Return every reason, the first one first."""
        if rule.source != event.source:
            text = f"it is of the source {rule.source}, and the event is of {event.source}"
            return [Unasked("source", text)]
        found = [*self._idle(rule), *self._other_type(rule, event)]
        if not found:
            found += self._filtered(rule, event, truths)
        return found or [*self._shadow(rule), *self._earlier(rule, event)]

    def _idle(self, rule: Rule) -> Iterator[Unasked]:
        idle = self._force.idle(rule)
        if idle is not None:
            yield Unasked("idle", f"the rule does not run: {idle.text}")

    def _other_type(self, rule: Rule, event: Event) -> Iterator[Unasked]:
        types = rule.checked.event_types
        if types is None or event.type in types:
            return
        shown = sorted(types)[:_SHOWN_TYPES]
        more = f" and {len(types) - len(shown)} more" if len(types) > len(shown) else ""
        only = f"it can only match {', '.join(shown)}{more}" if shown else "no event can match it"
        yield Unasked("event_type", f"{only}, and the event is {event.type}")

    def _shadow(self, rule: Rule) -> Iterator[Unasked]:
        if rule.name in self._force.shadow:
            yield Unasked("shadow", "the rule is in shadow mode: its matches are counted, and raise no alert")

    def _earlier(self, rule: Rule, event: Event) -> Iterator[Unasked]:
        """Yield the rule whose alert is raised instead: with `rule_matching: first` an event raises one alert only, and
        rules in shadow mode raise none."""
        running, shadow = self._force.running, self._force.shadow
        found = [running[position] for _, position in self._program.evaluate([event])]
        matching = [one for one in found if one.name not in shadow]
        if self._force.matching == "first" and rule in matching and matching[0] is not rule:
            text = f"the rule `{matching[0].name}` comes before it and matches too (`rule_matching: first`)"
            yield Unasked("earlier_rule", text)

    def _filtered(self, rule: Rule, event: Event, truths: NodeTruths) -> Iterator[Unasked]:
        whole = self._demand.predicate(event.source, event.type)
        for source in self._sources:
            filtered = self._pushdown(source).get(event.type) if source.event_source == event.source else None
            if filtered is None or truths.of_formula(filtered.tested(whole)):
                continue
            text = f"the kernel filter of {source.name} discards it, since no rule in force can match it"
            own = demand_of([rule], self._force.fields).predicate(event.source, event.type)
            tests = _false_tests(filtered.tested(own), truths)
            text += _with_tests(tests)
            if truths.of_formula(filtered.passing):
                text += " (it lets pass calls of processes that it does not know yet, and paths with `.`, `..`, `//`)"
            yield Unasked("kernel_filter", text, tests)

    def _pushdown(self, source: AnySource) -> Mapping[str, Pushdown]:
        if source.name not in self._pushdowns:
            assert source.pushdown is not None  # others were left out
            self._pushdowns[source.name] = source.pushdown(self._demand, self._force.fields)
        return self._pushdowns[source.name]


def discarded_live(unasked: Sequence[Unasked], source: str, *, arrived: bool) -> list[Unasked]:
    """Return the reasons once a run with the rules in force has shown if its kernel filter discards the event."""
    said = [one for one in unasked if one.kind != "kernel_filter"]
    if arrived or any(one.kind not in ("earlier_rule", "shadow") for one in said):
        return said
    tests = next((one.tests for one in unasked if one.kind == "kernel_filter"), "")
    text = f"the kernel filter of {source} discarded it, in a run with the rules in force beside this one"
    return [Unasked("kernel_filter", text + _with_tests(tests), tests)]


def _with_tests(tests: str) -> str:
    return f"; what it tests of this rule and finds false: {tests}" if tests else ""


def _false_tests(formula: Formula, truths: NodeTruths) -> str:
    parts = formula.parts if isinstance(formula, AllOf) else (formula,)
    false = [text_of(part) for part in parts if not truths.of_formula(part)]
    shown = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…" for text in false[:_SHOWN_TESTS]]
    return "; ".join(shown)
