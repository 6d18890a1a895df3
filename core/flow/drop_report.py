"""Dropped alerts in the log: for each sink one line a minute at most, with the number since the line before it."""

import time
from collections.abc import Callable
from typing import Final

from mozu.core.delivery.sink_counters import DROP_REASONS, REJECTED
from mozu.core.delivery.sink_worker import SinkWorker

_INTERVAL: Final = 60.0
"""Seconds between two lines about one sink."""


class DropReport:
    """The log's lines about alerts that sinks of a run drop, by the counters of drops. A rejected alert has a line of
    its own already."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, dict[str, int]] = {}
        """Sink → reason → number of alerts that lines have reported."""
        self._next: dict[str, float] = {}
        """Sink → time of the next line at the earliest."""

    def report(self, worker: SinkWorker, *, at_end: bool = False) -> None:
        """Log what the sink has dropped since its last line, unless that was within the last minute; `at_end`: also
        then."""
        now, logged = self._clock(), self._logged.setdefault(worker.name, {})
        if now < self._next.get(worker.name, 0.0) and not at_end:
            return
        totals = {reason: self._total(worker, reason) for reason in DROP_REASONS if reason != REJECTED}
        fresh = {reason: total - logged.get(reason, 0) for reason, total in totals.items()}
        found = [f"{count} ({reason})" for reason, count in fresh.items() if count > 0]
        if not found:
            return
        logged.update(totals)
        self._next[worker.name] = now + _INTERVAL
        worker.sink.log.error("sink %s has dropped alerts: %s", worker.name, ", ".join(found))

    def _total(self, worker: SinkWorker, reason: str) -> int:
        return worker.sink.metrics.counter("sink_alerts_dropped_total", reason=reason).value
