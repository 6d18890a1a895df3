"""The counters of a sink's alerts; each exists from the start with 0.

A Prometheus expression over a missing series has no result, and the increase from a missing series to its first value
is not counted.
"""

from typing import Final

from mozu.core.delivery.alert_queue import QUEUE_FULL
from mozu.core.metrics import Metrics

DAMAGED: Final = "spool damaged"
REJECTED: Final = "rejected"
SINK_CLOSED: Final = "sink closed"
STOP_DEADLINE: Final = "stop deadline"
LOOP_HELD: Final = "event loop held"
NOT_STARTED: Final = "sink not started"
REMOVED: Final = "the sink was removed"
RELOAD_REFUSED: Final = "the reload was refused"
DROP_REASONS: Final = (
    QUEUE_FULL, REJECTED, SINK_CLOSED, STOP_DEADLINE, LOOP_HELD, NOT_STARTED, REMOVED, RELOAD_REFUSED, DAMAGED,
    "spool full", "disk full", "spool locked", "spool unwritable",
)  # fmt: skip
"""Values of the label `reason`; the last four are those of `SpoolRefused`."""
_COUNTERS: Final = (
    "sink_alerts_accepted_total", "sink_alerts_delivered_total", "sink_alerts_dead_lettered_total",
    "sink_deliveries_failed_total",
    "spool_found_records_total", "spool_left_records_total", "spool_redriven_records_total",
)  # fmt: skip


def make_counters(metrics: Metrics) -> None:
    """Make all counters of a sink that do not exist yet."""
    for name in _COUNTERS:
        metrics.counter(name)
    for reason in DROP_REASONS:
        metrics.counter("sink_alerts_dropped_total", reason=reason)
