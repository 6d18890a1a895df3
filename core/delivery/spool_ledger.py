"""The ledger of a disk queue: accepted + found + redriven = delivered + dead-lettered + dropped + spooled + waiting.

`waiting` is counted: alerts in memory, and rows of the file that are not acknowledged. An alert whose row the file has
lost after the alert was given out waits in memory only, until the destination has it.
"""

from collections.abc import Iterable, Sequence

from mozu.core.delivery.sink_counters import DAMAGED, make_counters
from mozu.core.delivery.spool import SpoolCounts
from mozu.core.metrics import Metrics


class SpoolLedger:
    """Counters of the sink whose queue it is. All calls come from the event loop."""

    def __init__(self, metrics: Metrics) -> None:
        make_counters(metrics)
        self._metrics = metrics
        self.accepted = metrics.counter("sink_alerts_accepted_total")
        self._dead_lettered = metrics.counter("sink_alerts_dead_lettered_total")
        self._found = metrics.counter("spool_found_records_total")
        self._left = metrics.counter("spool_left_records_total")
        self._redriven = metrics.counter("spool_redriven_records_total")
        self.undecided = 0
        """Alerts of the commit under way that are neither in the file yet nor dropped."""
        self.at_risk: set[int] = set()
        """Numbers that were given out, are not acknowledged, and that the file has lost meanwhile."""

    def found(self, alerts: int) -> None:
        """So many alerts lie in the file that was opened."""
        self._found.value += alerts

    def left(self, alerts: int) -> None:
        """So many alerts lie in the file that is closed."""
        self._left.value += alerts

    def dropped(self, alerts: int, reason: str) -> None:
        """`reason`: a label of the counter."""
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += alerts

    def changed(self, before: SpoolCounts, now: SpoolCounts) -> None:
        """The file has taken alerts, or has found out about its rows."""
        self.undecided -= now.stored - before.stored
        self._redriven.value += now.redriven - before.redriven
        self._dead_lettered.value += now.unreadable - before.unreadable

    def settled(self, delivered: Iterable[int], dead: Sequence[tuple[int, str]]) -> tuple[set[int], set[int]]:
        """The destination has these, and the dead letters (number, reason) are given up: the numbers of both that the
        file has lost. There is nothing to keep of such a dead letter, so it counts as dropped."""
        arrived = self.at_risk.intersection(delivered)
        lost = self.at_risk.intersection(number for number, _ in dead)
        self.at_risk -= arrived | lost
        self._dead_lettered.value += len(dead) - len(lost)
        self.dropped(len(lost), DAMAGED)
        return arrived, lost

    def stopped(self) -> None:
        """What only memory had is lost with the queue."""
        self.dropped(len(self.at_risk), DAMAGED)
        self.at_risk.clear()
        self.undecided = 0
