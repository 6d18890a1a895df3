"""An evaluator that raises no alert: it explains a rule's result for the requested events."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from mozu.core.api import Alert, Demand, Event, Interest
from mozu.core.cli.rules_in_force import RulesInForce
from mozu.core.cli.why.explanation import Explanation
from mozu.core.cli.why.unasked import Unaskeds
from mozu.core.filter.demand import ANY_ENRICHER, STATE_DEPENDENCIES
from mozu.core.language.conditions import And, Macro, Node, NodeEvaluator, NodeTruths, OperandValue, Or, Test, parse
from mozu.core.language.rules import Clause, Rule, clauses, explained, macro_trees
from mozu.core.model.alert import alert_id
from mozu.core.model.trees import fold
from mozu.core.model.value_types import JsonObject

_ABOUT: Final = ("proc.name", "proc.pid", "proc.cmdline", "proc.pname", "fd.name", "container.id")
MOST: Final = 10
"""Number of matches that are explained if no single event is requested; the others are counted."""
_MOST_TIES: Final = 1_000
"""Number of equally near events after which the last one is explained."""
_NS_PER_MS: Final = 1_000_000


class Asked(msgspec.Struct, frozen=True):
    """The requested event: by number, or by its alert; without both every match, or the event that comes nearest."""

    number: int | None = None
    alert: UUID | None = None
    origin: str = ""
    """Origin of the recording's events, for ids of alerts."""


class Explanations(msgspec.Struct):
    """The explanations of a run."""

    explanations: list[Explanation] = []
    seen: int = 0
    """Events of any type."""
    possible: int = 0
    """Events of the rule's types."""
    matches: int = 0
    first: int = 0
    """Number of the first event, and of the last."""
    last: int = 0
    nearest: bool = False
    """True if no event matches, and the one explained comes nearest."""

    def as_dict(self) -> JsonObject:
        """Return the explanations as data."""
        return {
            "seen": self.seen,
            "possible": self.possible,
            "matches": self.matches,
            "nearest": self.nearest,
            "explanations": [one.as_dict() for one in self.explanations],
        }


class ExplainingEvaluator:
    """An evaluator that judges the events of a run by a rule, or an alert's event by the rule that raised it."""

    def __init__(
        self,
        force: RulesInForce,
        rule: Rule | None,
        asked: Asked,
        unaskeds: Unaskeds,
        *,
        redact: Callable[[Alert], None],
        done: Callable[[], None],
        belongs: Callable[[Event], bool] = lambda event: True,
    ) -> None:
        """Make an evaluator. `belongs` returns True for events of the traced command, if a source sees the whole
        machine."""
        self._belongs = belongs
        self._force, self._rule, self._asked, self._unaskeds = force, rule, asked, unaskeds
        self._redact, self._done = redact, done
        self._macros = macro_trees(force.loaded.rules)
        self._evaluators: dict[str, NodeEvaluator] = {}
        self._clauses: dict[str, Clause] = {}
        self._best, self._ties = 0.0, 0
        """Nearness of the nearest event, and the number of events before it that came as near."""
        self.findings = Explanations()

    def demand(self) -> Demand:
        """Return a demand for every event: one that the rule does not want is explained, too."""
        needs = Interest(frozenset((*STATE_DEPENDENCIES, ANY_ENRICHER)))
        return Demand({source: {"*": needs} for source in ("syscall", "*")})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Explains while the state of the events is there."""
        for event in filter(self._belongs, batch):
            self.findings.seen += 1
            self.findings.first = self.findings.first or event.num
            self.findings.last = event.num
            if self._asked.alert is not None:
                self._look_for_alert(event, self._asked.alert)
            elif self._rule is None or (self._asked.number is not None and event.num != self._asked.number):
                continue
            elif self._asked.number is None:
                self._look_for_matches(self._rule, event)
            else:
                self._explain(self._rule, event)
                self._done()
        return ()

    def reload(self) -> "ExplainingEvaluator":
        """Return this object: nothing is read again."""
        return self

    def _look_for_alert(self, event: Event, wanted: UUID) -> None:
        if event.time // _NS_PER_MS & (1 << 48) - 1 != wanted.int >> 80:
            return
        for rule in self._force.loaded.rules.rules:
            if alert_id(event.time, f"{self._asked.origin}/{event.num}", rule.name) == str(wanted):
                self._explain(self._rule or rule, event)
                self._done()

    def _look_for_matches(self, rule: Rule, event: Event) -> None:
        types = rule.checked.event_types
        if event.source != rule.source or (types is not None and event.type not in types):
            return
        self.findings.possible += 1
        truths, found = self._truths(event), self.findings
        if truths.of(rule.written):
            found.matches += 1
            if found.nearest or found.matches == 1:
                found.explanations, found.nearest = [], False
            if len(found.explanations) < MOST:
                self._explain(rule, event)
        elif not found.matches:
            score = nearness(rule.written, truths, self._evaluator(event.source).below)
            if score > self._best or (score == self._best and self._ties < _MOST_TIES):
                self._ties = self._ties + 1 if score == self._best else 0
                self._best, found.explanations, found.nearest = score, [], True
                self._explain(rule, event)

    def _explain(self, rule: Rule, event: Event) -> None:
        truths = self._truths(event)
        if rule.name not in self._clauses:
            self._clauses[rule.name] = clauses(rule, self._force.loaded.rules)
        rows = explained(self._clauses[rule.name], truths) if rule.source == event.source else []
        made = Explanation(
            rule=rule,
            number=event.num,
            time=event.time,
            type=event.type,
            source=event.source,
            about=list(self._about(event, truths)),
            output=rule.output.values(event) if rows and rows[0].truth else {},
            clauses=rows,
            unasked=self._unaskeds.of(rule, event, truths),
        )
        self.findings.explanations.append(made.redacted(self._redact))

    def _about(self, event: Event, truths: NodeTruths) -> Iterable[OperandValue]:
        for name in _ABOUT:
            field = self._force.fields.get(name)
            if field is not None and not field.sources.isdisjoint((event.source, "*")) and not field.unavailable:
                test = parse(f"{name} exists")
                assert isinstance(test, Test)
                (value,) = truths.values(test)
                if value.value is not None:
                    yield value

    def _truths(self, event: Event) -> NodeTruths:
        return self._evaluator(event.source).at(event)

    def _evaluator(self, source: str) -> NodeEvaluator:
        if source not in self._evaluators:
            self._evaluators[source] = NodeEvaluator(self._force.fields, source, self._macros)
        return self._evaluators[source]


def nearness(root: Node, truths: NodeTruths, below: Callable[[Node], Sequence[Node]]) -> float:
    """Return how near a condition is to being true, from 0 to 1: for `and` the mean of its parts, for `or` the best."""

    def visit(node: Node, inner: list[float]) -> float:
        if truths.of(node):
            return 1.0
        if isinstance(node, And):
            return sum(inner) / len(inner)
        if isinstance(node, Or):
            return max(inner)
        return inner[0] if isinstance(node, Macro) else 0.0

    return fold(root, below, visit)
