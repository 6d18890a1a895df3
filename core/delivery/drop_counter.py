"""Metrics of dropped alerts, by reason, and by priority and rule."""

from typing import Final

from mozu.core.delivery.packed_alert import AlertForm
from mozu.core.metrics import Counter, Metrics
from mozu.core.model.alert import Severity
from mozu.core.model.event import bounded_text

_OTHERS: Final = "(others)"
_MAX_LABELS: Final = 100
"""Most rules with a counter of their own; drops of further rules are counted together."""


class DropCounter:
    """Counters of one sink's drops. By priority and rule only for the first rules that lose alerts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._rules: set[str] = set()
        self._by_reason: dict[str, Counter] = {}
        self._by_share: dict[tuple[Severity, str], Counter] = {}

    def count(self, form: AlertForm, reason: str) -> None:
        """Count one dropped alert of this form."""
        counter = self._by_reason.get(reason)
        if counter is None:
            counter = self._by_reason[reason] = self._metrics.counter("sink_alerts_dropped_total", reason=reason)
        counter.value += 1
        self.count_rule(form.priority, form.rule, 1)

    def count_rule(self, severity: Severity, rule: str, number: int) -> None:
        """Count dropped alerts of a rule by priority and rule only; their reason is counted elsewhere."""
        if rule not in self._rules:
            if len(self._rules) >= _MAX_LABELS:
                rule = _OTHERS
            else:
                self._rules.add(rule)
        counter = self._by_share.get((severity, rule))
        if counter is None:
            name = "sink_alerts_dropped_by_rule_total"
            counter = self._metrics.counter(name, priority=severity.label, rule=bounded_text(rule))
            self._by_share[severity, rule] = counter
        counter.value += number
