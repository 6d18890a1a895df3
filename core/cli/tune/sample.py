"""An event that an exception silences, and one like it that still raises the alert: the two tests of an exception."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from mozu.core.cli.tune.alerts import TunedAlert
from mozu.core.cli.tune.effects import Positive, matches
from mozu.core.cli.tune.proposals import Proposal, worth
from mozu.core.language.conditions import RuleInput, RuleProgram, compile_rules
from mozu.core.language.rules import Rule
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.rule_tests.document import Fields, GivenValue
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import ImpossibleEvent, make_event

_MOST_TYPES: Final = 40
"""Event types that are tried for the test."""
_MOST_ALERTS: Final = 20
"""Alerts that are tried for the test."""


class EventPair(msgspec.Struct, frozen=True):
    """The events of the tests of an exception, as fields."""

    defaults: Fields
    silenced: Fields
    other: Fields
    """Event that differs from `silenced` in one value, so that the exception does not hold and the rule matches."""


class Samples:
    """The search for the events. `before` and `after` are the rule without the exception and with it."""

    def __init__(self, before: Rule, after: Rule, fields: FieldRegistry) -> None:
        self._fields, self._rule = fields, before
        given = given_fields(fields)
        self._before, self._after = _program(before, given), _program(after, given)

    def find(self, proposal: Proposal, alerts: Sequence[TunedAlert], positives: Sequence[Positive]) -> EventPair | None:
        """Return the first pair of events of which the rule with the exception matches only the other one; None if the
        alerts do not print the fields that the condition needs and no test has them."""
        chosen = [alert for alert in alerts if proposal.holds(alert.values)][:_MOST_ALERTS]
        for defaults, given in self._candidates(proposal, chosen, positives):
            if self._is_silenced(defaults, given):
                for other in _others(proposal, given):
                    if self._still_matches(defaults, other):
                        return EventPair(defaults, given, other)
        return None

    def _candidates(
        self, proposal: Proposal, alerts: Iterable[TunedAlert], positives: Iterable[Positive]
    ) -> Iterator[tuple[Fields, Fields]]:
        """Yield the alerts as events of each type of the rule, then its tests' events with the alert's values."""
        names = [name for name, _, _ in proposal.tests]
        for alert in alerts:
            for event_type in self._types(alert):
                values = {"evt.type": event_type} if event_type else {}
                yield {}, _given({**values, **alert.values})
                yield {"evt.failed": GivenValue("false", 0)}, _given({**values, **alert.values})
            for positive in positives:
                told = {name: alert.values[name] for name in names}
                families = {name.partition(".")[0] for name in names}
                kept = {
                    name: value
                    for name, value in positive.given.items()
                    if name.partition(".")[0] not in families or name == "evt.type"
                }
                family = {name: text for name, text in alert.values.items() if name.partition(".")[0] in families}
                yield positive.defaults, {**positive.given, **_given(told)}
                yield positive.defaults, {**kept, **_given(family)}

    def _types(self, alert: TunedAlert) -> Iterable[str]:
        if alert.event_type or self._rule.source != "syscall":
            return (alert.event_type,)
        return sorted(self._rule.checked.event_types or ())[:_MOST_TYPES]

    def _is_silenced(self, defaults: Fields, given: Fields) -> bool:
        event = self._event(defaults, given)
        return event is not None and matches(self._before, event) and not matches(self._after, event)

    def _still_matches(self, defaults: Fields, given: Fields) -> bool:
        event = self._event(defaults, given)
        return event is not None and matches(self._after, event)

    def _event(self, defaults: Fields, given: Fields) -> Event | None:
        try:
            return make_event(self._fields, self._rule.source, defaults, given, 0)
        except ImpossibleEvent:
            return None


def _program(rule: Rule, fields: FieldRegistry) -> RuleProgram:
    return compile_rules([RuleInput(rule.name, rule.source, rule.checked.node)], fields, "all")


def _given(values: dict[str, str]) -> dict[str, GivenValue]:
    return {name: GivenValue(value, 0) for name, value in values.items()}


def _others(proposal: Proposal, given: Fields) -> Iterator[Fields]:
    """Yield the event with another value in one field of the exception."""
    for name, _, _ in sorted(proposal.tests, key=lambda test: -worth(test[0])):
        value = given.get(name)
        if value is not None and isinstance(value.form, str):
            for text in (f"{value.form}x", f"x{value.form}", f"/other{value.form}"):
                yield {**given, name: GivenValue(text, 0)}
