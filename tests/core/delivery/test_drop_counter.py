"""Dropped alerts in the metrics."""

from mozu.core.delivery.drop_counter import DropCounter
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed


def by(metrics: Metrics, name: str, label: str) -> dict[str, float]:
    """Return the values of a metric by one of its labels."""
    return {labels[label]: value for found, labels, value in metrics.collect() if found == name}


def test_drops_are_counted_by_priority_and_rule_with_a_bounded_number_of_labels() -> None:
    metrics = Metrics()
    drops = DropCounter(metrics)
    for number in range(300):
        drops.count(packed(alert(f"rule {number}")).form, "queue full")
    by_rule = by(metrics, "sink_alerts_dropped_by_rule_total", "rule")
    assert (101, 1, 200) == (len(by_rule), by_rule["rule 0"], by_rule["(others)"])


def test_each_drop_counts_once_for_its_reason_and_once_for_its_rule() -> None:
    metrics = Metrics()
    drops, form = DropCounter(metrics), packed(alert("rule")).form
    for reason in ("queue full", "spool full", "queue full"):
        drops.count(form, reason)
    drops.count_rule(Severity.NOTICE, "rule", 5)
    drops.count_rule(Severity.ALERT, "rule", 2)
    assert {"queue full": 2, "spool full": 1} == by(metrics, "sink_alerts_dropped_total", "reason")
    assert {"Notice": 8, "Alert": 2} == by(metrics, "sink_alerts_dropped_by_rule_total", "priority")
