"""The correlations of an evaluator: which inputs of its program are steps, and what their matches complete."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from mozu.core.api import Context, Event, FieldRegistry
from mozu.core.language.conditions import Checked, CompiledOutput, RuleInput
from mozu.core.language.conditions.unparse import unparse
from mozu.core.language.correlation import Completed, Correlator
from mozu.core.language.rules import Correlation, Rule, step_inputs

_METRICS = ("correlation_matches_total", "correlation_late_total", "correlation_evicted_total")


class Correlating:
    """The correlations among the rules, whose steps are inputs of the program."""

    def __init__(self, rules: Sequence[Rule], fields: FieldRegistry, context: Context, most_groups: int) -> None:
        self._log, self._metrics = context.log, context.metrics
        self._plain = [place for place, rule in enumerate(rules) if rule.correlation is None]
        self._at_work: dict[int, _AtWork] = {}
        steps = list(step_inputs(rules))
        self.inputs: list[RuleInput] = [one for one, _, _ in steps]
        self._steps: list[tuple[int, int]] = [(place, at) for _, place, at in steps]
        """Position of the rule, and number of the step, of each input."""
        for place, rule in enumerate(rules):
            if rule.correlation is not None:
                self._at_work[place] = _at_work(rule, rule.correlation, fields, context, most_groups)

    def completed(self, found: Iterable[tuple[Event, int]]) -> Iterator[tuple[Event, int, Completed | None]]:
        """Yield the event, the position of the rule and, for a correlation, what is completed, of all alerts that these
        matches raise: pairs of an event and the position of an input, of which rules come before the steps."""
        touched: set[int] = set()
        for event, position in found:
            if position < len(self._plain):
                yield event, self._plain[position], None
                continue
            place, at = self._steps[position - len(self._plain)]
            touched.add(place)
            done = self._at_work[place].correlator.take(event, at)
            if done is not None:
                yield event, place, done
        for place in touched:
            self._count(self._at_work[place])

    def adopt(self, before: "Correlating") -> None:
        """Go on with the states of the correlations that have not changed (a reload)."""
        states = {one.digest: one for one in before._at_work.values()}
        for one in self._at_work.values():
            old = states.get(one.digest)
            if old is not None:
                one.correlator.state, one.counted = old.correlator.state, old.counted
                one.restarts, one.announced = old.restarts, old.announced

    def _count(self, one: "_AtWork") -> None:
        state = one.correlator.state
        evicted = state.groups.evicted
        for at, number in enumerate((state.matches, state.late, evicted)):
            self._metrics.counter(_METRICS[at], rule=one.rule).value += number - one.counted[at]
            one.counted[at] = number
        if state.restarts > one.restarts:
            one.restarts = state.restarts
            self._log.warning("the clock was set back: the correlation `%s` begins anew", one.rule)
        if evicted > 2 * one.announced:
            one.announced = evicted
            self._log.warning(
                "the correlation `%s` has all its %d groups (correlation_groups): %d were dropped, the last ones of "
                "the account %s; group by fewer fields, or raise the setting",
                one.rule,
                state.groups.most,
                evicted,
                state.groups.last_evicted,
            )


class _AtWork(msgspec.Struct, eq=False):
    """A correlation, and what the metrics and the log have of it already."""

    rule: str
    correlator: Correlator
    digest: str
    counted: list[int] = msgspec.field(default_factory=lambda: [0] * len(_METRICS))
    restarts: int = 0
    announced: int = 0
    """Number of evictions."""


def _at_work(
    rule: Rule, correlation: Correlation, fields: FieldRegistry, context: Context, most_groups: int
) -> _AtWork:
    correlator = correlation.correlator(fields, most_groups)
    conditions = [unparse(step.checked.node) for step in correlation.steps]
    context.metrics.gauge("correlation_groups", lambda: len(correlator.state.groups), rule=rule.name)
    for name in _METRICS:
        context.metrics.counter(name, rule=rule.name)
    return _AtWork(rule.name, correlator, f"{rule.name} {rule.source} {correlation.digest()} {conditions}")


def wanted_of(rule: Rule) -> Iterator[tuple[Checked, list[CompiledOutput]]]:
    """Yield the conditions of a rule, each with what is read of events that fulfil it: of a step that raises no alert,
    only what the correlation reads."""
    if rule.correlation is None:
        yield rule.checked, [rule.output]
        return
    for step in rule.correlation.steps:
        outputs = [rule.output] if step in rule.correlation.last else []
        yield step.checked, [step.reads.output, *outputs]
