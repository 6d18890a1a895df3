"""The ledger of a disk queue: accepted + found + redriven = delivered + dead-lettered + dropped + spooled + waiting.

`waiting` is counted: alerts in memory, and unacknowledged rows of the file. An alert whose row the file has lost after
`get` returned the alert waits in memory only, until the destination has it.
"""

from collections.abc import Sequence

from mozu.core.delivery.sink_counters import DAMAGED, make_counters
from mozu.core.delivery.spool import SpoolCounts
from mozu.core.metrics import Metrics


class SpoolLedger:
    """Counters of the queue's sink, used on the event loop."""

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
        """Numbers that were returned by `get`, are not acknowledged, and that the file has lost since."""

    def found(self, alerts: int, lost: int) -> None:
        """Count the alerts in the opened file, and those that it had lost by damage."""
        self._found.value += alerts + lost
        self.damaged(lost)

    def dropped(self, alerts: int, reason: str) -> None:
        """Count dropped alerts; `reason` is a label of the counter."""
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += alerts

    def damaged(self, alerts: int) -> None:
        """Count alerts that a damaged file has lost."""
        self.dropped(alerts, DAMAGED)

    def changed(self, before: SpoolCounts, now: SpoolCounts) -> None:
        """Count changes of the file: stored, redriven and undecodable alerts."""
        self.undecided -= now.stored - before.stored
        self._redriven.value += now.redriven - before.redriven
        self._dead_lettered.value += now.unreadable - before.unreadable

    def settled(
        self, delivered: Sequence[int], dead: Sequence[tuple[int, str]]
    ) -> tuple[set[int], Sequence[int], Sequence[tuple[int, str]]]:
        """Settle delivered alerts and dead letters (number, reason). Return the delivered ones that the file has lost,
        and of both those that the file has. A dead letter that the file has lost counts as dropped."""
        arrived = self.at_risk.intersection(delivered)
        lost = self.at_risk.intersection(number for number, _ in dead)
        self.at_risk -= arrived | lost
        self._dead_lettered.value += len(dead) - len(lost)
        self.damaged(len(lost))
        stored = [number for number in delivered if number not in arrived] if arrived else delivered
        return arrived, stored, [one for one in dead if one[0] not in lost]

    def stopped(self, waiting: int, lost: int, reason: str) -> None:
        """Count alerts that wait in the closed file, and alerts that only memory had, lost for this reason; those at
        risk are lost, too."""
        self._left.value += waiting
        self.dropped(lost, reason)
        self.damaged(len(self.at_risk))
        self.at_risk.clear()
        self.undecided = 0
