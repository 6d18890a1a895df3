"""The evaluator of an act or a recording: every rule by itself, with the coverage that tests want to know."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mozu.core.api import Alert, Demand, Event, Interest
from mozu.core.language.rules import Rule
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.judged import JudgedRules, RaisedAlert

_EVERY: Final = "*"


class Observed(msgspec.Struct, frozen=True):
    """The result of an act or a recording."""

    alerts: list[RaisedAlert]
    nearest: dict[str, str]
    """Quiet rule → why the event that got furthest in its condition did not match."""


class Watching:
    """An evaluator of every rule by itself, which records the coverage of rules that the test names."""

    def __init__(
        self, judged: JudgedRules, rules: Sequence[Rule], belongs: Callable[[Event], bool], coverage: Coverage
    ) -> None:
        self._judged, self._rules, self._belongs, self._coverage = judged, rules, belongs, coverage
        self._furthest: dict[str, int] = {}
        self._nearest: dict[str, str] = {}
        self._alerts: list[RaisedAlert] = []

    @property
    def observed(self) -> Observed:
        """Return the alerts and the reasons of quiet rules."""
        raised = {alert.rule for alert in self._alerts}
        return Observed(self._alerts, {name: why for name, why in self._nearest.items() if name not in raised})

    def demand(self) -> Demand:
        """Return a demand for whole types: a false arm is seen in events that a source need not have sent."""
        types: dict[str, dict[str, Interest]] = {}
        for source, named in self._judged.program.needs.items():
            types[source] = {name: Interest(needs | self._shown(source, name)) for name, needs in named.items()}
        return Demand(types)

    def _shown(self, source: str, name: str) -> frozenset[str]:
        event_type = None if name == _EVERY else name
        rules = (rule for rule in self._judged.rules.values() if rule.source == source)
        return frozenset().union(*(rule.output.needs(event_type) for rule in rules))

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Note the alerts of a batch; returns none, so that nothing reaches sinks."""
        mine = [event for event in batch if self._belongs(event)]
        self._alerts += self._judged.alerts(mine)
        for event in mine:
            for rule in self._rules:
                self._see(rule, event)
        return ()

    def _see(self, rule: Rule, event: Event) -> None:
        reached = self._coverage.see_one_of_each_type(self._judged, rule, event)
        if reached > self._furthest.get(rule.name, 0):
            self._furthest[rule.name] = reached
            self._nearest[rule.name] = f"the nearest was {event.type}: {self._judged.reason(rule, event)}"

    def reload(self) -> "Watching":
        """Return this object."""
        return self
