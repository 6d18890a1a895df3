"""Every node of a scenario's rules, judged node by node and by the evaluator as a rule of its own."""

from collections.abc import Iterator, Sequence

import msgspec

from mozu.core.filter.demand import Demand
from mozu.core.language.conditions import Node, NodeEvaluator, NodeTruths, RuleInput, RuleProgram, compile_rules
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.macros import expand_macros
from mozu.core.language.rules import Clause, Rule, RuleSet, clauses, explained, macro_trees
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from tests.oracle.engine import EVERYTHING


class JudgedNodes(msgspec.Struct):
    """Counts of judged nodes, and the disagreements."""

    nodes: int = 0
    judged: int = 0
    """Number of nodes judged, summed over the events."""
    matches: int = 0
    """Number of rules that are true, summed over the events."""
    misses: int = 0
    differing: list[str] = []


class NodeJudge:
    """Evaluator that raises no alert and compares. A node of one source class is a rule of that class."""

    def __init__(self, rules: RuleSet, fields: FieldRegistry) -> None:
        self._rules = rules
        expanded = {view.name: view.condition for view in rules.macros if view.condition is not None}
        self.result = JudgedNodes()
        self._evaluators: dict[str, NodeEvaluator] = {}
        self._nodes: dict[str, list[tuple[Node, int]]] = {}
        """Source class → nodes, each with the number of the rule that stands for it; equivalent nodes share a rule."""
        self._programs: dict[str, RuleProgram] = {}
        self._clauses: dict[str, Clause] = {}
        for source in {rule.source for rule in rules.rules}:
            evaluator = self._evaluators[source] = NodeEvaluator(fields, source, macro_trees(rules))
            nodes = [(one, expand_macros(one, expanded)) for one in self._of_source(source, evaluator)]
            formulas = [lower(tree) for _, tree in nodes]  # equal formulas are one object while it is kept
            trees = {id(formula): tree for formula, (_, tree) in zip(formulas, nodes, strict=True)}
            places = {key: at for at, key in enumerate(trees)}
            pairs = zip(formulas, nodes, strict=True)
            self._nodes[source] = [(one, places[id(formula)]) for formula, (one, _) in pairs]
            inputs = [RuleInput(str(at), source, tree) for at, tree in enumerate(trees.values())]
            self._programs[source] = compile_rules(inputs, fields, "all")
            self.result.nodes += len(nodes)

    def demand(self) -> Demand:
        """Ask for every event."""
        return EVERYTHING

    def reload(self) -> "NodeJudge":
        """Return this evaluator: there are no rules to read again."""
        return self

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Compare both judgements at each event."""
        for event in batch:
            if event.source in self._evaluators:
                self._compare(event)
        return ()

    def _compare(self, event: Event) -> None:
        truths, nodes = self._evaluators[event.source].at(event), self._nodes[event.source]
        found = {at for _, at in self._programs[event.source].evaluate([event])}
        for node, at in nodes:
            if truths.of(node) != (at in found):
                self.result.differing.append(f"event {event.num} ({event.type}): {node}")
        self.result.judged += len(nodes)
        for rule in self._rules.rules:
            if rule.source == event.source:
                self._count(rule, event, truths)

    def _count(self, rule: Rule, event: Event, truths: NodeTruths) -> None:
        if truths.of(rule.written):
            self.result.matches += 1
        else:
            self.result.misses += 1
        if truths.of(rule.written) or rule.checked.event_types is None or event.type in rule.checked.event_types:
            if rule.name not in self._clauses:
                self._clauses[rule.name] = clauses(rule, self._rules)
            rows = explained(self._clauses[rule.name], truths)
            if any(row.truth != truths.of(row.clause.node) for row in rows) or not rows[0].decides:
                self.result.differing.append(f"event {event.num}: the explanation of {rule.name}")

    def _of_source(self, source: str, evaluator: NodeEvaluator) -> Iterator[Node]:
        seen: set[int] = set()
        waiting = [rule.written for rule in self._rules.rules if rule.source == source]
        while waiting:
            node = waiting.pop()
            if id(node) not in seen:
                seen.add(id(node))
                waiting += evaluator.below(node)
                yield node
