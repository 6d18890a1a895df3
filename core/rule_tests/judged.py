"""The rules of a test file, compiled as for a run, and their results for an event."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import msgspec

from mozu.core.errors import RulesError
from mozu.core.language.conditions import (
    NodeEvaluator,
    NodeTruths,
    OperandValue,
    RuleInput,
    RuleProgram,
    Test,
    compile_rules,
)
from mozu.core.language.rules import (
    Clause,
    ExplainedClause,
    Rule,
    RuleSet,
    clauses,
    explained,
    load,
    macro_trees,
    step_inputs,
)
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.shown import shortened, shown

_MOST: Final = 6
"""Number of tests of a condition that a sentence names."""
_GROUPS: Final = 100_000
"""Maximum number of groups of a correlation."""


class RaisedAlert(msgspec.Struct, frozen=True):
    """The alert of a rule for an event that it matches."""

    rule: str
    text: str
    values: dict[str, FieldValue]


class JudgedRules:
    """The rules of some files, including those that are switched off. Raises RulesError with the report of the load."""

    def __init__(self, paths: Sequence[str], fields: FieldRegistry) -> None:
        self.fields = fields
        result = load(paths, fields)
        if not result.ok:
            raise RulesError(result.report.refusal())
        if not result.report.files:
            raise RulesError(f"there are no rule files in {', '.join(paths)}")
        self.files = tuple(file.name for file in result.report.files)
        self._set: RuleSet = result.rules
        self.rules = {rule.name: rule for rule in result.rules.rules}
        self._evaluators: dict[str, NodeEvaluator] = {}
        self._clauses: dict[str, Clause] = {}

    @cached_property
    def program(self) -> RuleProgram:
        """The program that judges events in a run, here with every rule that matches."""
        inputs = [RuleInput(rule.name, rule.source, rule.checked.node) for rule in self.rules.values()]
        return compile_rules(inputs, self.fields, "all")

    @cached_property
    def _in_order(self) -> list[Rule]:
        return list(self.rules.values())

    def alerts(self, events: Iterable[Event]) -> list[RaisedAlert]:
        """Return the alerts that a run would raise, each rule by itself."""
        found = []
        for event, position in self.program.evaluate(events):
            rule = self._in_order[position]
            values = rule.output.values(event)
            found.append(RaisedAlert(rule.name, rule.output.template.render(values), values))
        return found

    def scene(self, events: Iterable[Event]) -> list[list[RaisedAlert]]:
        """Return the alerts at each event, with those of correlations, to which no event came before."""
        correlators = {
            rule.name: rule.correlation.correlator(self.fields, _GROUPS)
            for rule in self._in_order
            if rule.correlation is not None
        }
        result: list[list[RaisedAlert]] = []
        for event in events:
            found = [one for one in self.alerts((event,)) if one.rule not in correlators]
            for _, position in self._steps.evaluate((event,)):
                rule, at = self._places[position]
                done = correlators[rule.name].take(event, at)
                if done is not None and rule.correlation is not None:
                    rule.correlation.shown.show(done, rule.correlation.names)
                    values = rule.output.values(event)
                    found.append(RaisedAlert(rule.name, rule.output.template.render(values), values))
            result.append(found)
        return result

    @cached_property
    def _steps(self) -> RuleProgram:
        return compile_rules([one for one, _, _ in step_inputs(self._in_order)], self.fields, "all")

    @cached_property
    def _places(self) -> list[tuple[Rule, int]]:
        """Rule and number of the step of each input of `_steps`."""
        return [(self._in_order[place], at) for _, place, at in step_inputs(self._in_order)]

    def clause(self, rule: Rule) -> Clause:
        """Return the tree of the rule's condition."""
        if rule.name not in self._clauses:
            self._clauses[rule.name] = clauses(rule, self._set)
        return self._clauses[rule.name]

    def truths(self, rule: Rule, event: Event) -> NodeTruths:
        """Return the truth of each node of the rule's condition."""
        if rule.source not in self._evaluators:
            self._evaluators[rule.source] = NodeEvaluator(self.fields, rule.source, macro_trees(self._set))
        return self._evaluators[rule.source].at(event)

    def reason(self, rule: Rule, event: Event) -> str:
        """Return the tests that decided if the rule matches, in one sentence."""
        if event.source != rule.source:
            return f"it is a rule of the source {rule.source}, and the event is of {event.source}"
        decided = [
            _sentence(one)
            for one in explained(self.clause(rule), self.truths(rule, event))
            if one.decides and isinstance(one.clause.node, Test)
        ]
        texts = list(dict.fromkeys(decided))
        more = f", and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
        return "; ".join(texts[:_MOST]) + more


def _sentence(one: ExplainedClause) -> str:
    truth = "true" if one.truth else "false"
    return f"`{shortened(one.clause.text)}` is {truth}{_read(one.values)}{_where(one.clause)}"


def _read(values: Sequence[OperandValue]) -> str:
    return f" ({', '.join(f'{one.name} is {shown(one.value, one.type.type)}' for one in values)})"


def _where(clause: Clause) -> str:
    file, line, _ = clause.place
    holders = (("macro", clause.macro), ("exception", clause.exception))
    inside = "".join(f"{kind} {name}, " for kind, name in holders if name)
    return f" [{inside}{file}:{line}]"
