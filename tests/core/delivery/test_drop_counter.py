from mozu.core.delivery.drop_counter import DropCounter
from mozu.core.metrics import Metrics
from mozu.core.testing import alert
from tests.support.packing import packed


def test_drops_are_counted_by_priority_and_rule_with_a_bounded_number_of_labels() -> None:
    metrics = Metrics()
    drops = DropCounter(metrics)
    for number in range(300):
        drops.count(packed(alert(f"rule {number}")).form, "queue full")
    by_rule = {labels["rule"]: value for name, labels, value in metrics.collect() if name.endswith("by_rule_total")}
    assert (101, 1, 200) == (len(by_rule), by_rule["rule 0"], by_rule["(others)"])
