"""Delays of the event loop, for the log and the metrics: who held it, and that mozu waited for a CPU."""

import logging
import time
from collections.abc import Callable
from typing import Final

from mozu.core.metrics import Metrics

_log = logging.getLogger("mozu.engine.delays")

_START_HOLD: Final = 1.0
"""Seconds for which the loop may be held, unreported, during the start: /proc is read then."""
_INTERVAL: Final = 60.0
"""Seconds between two lines about the CPU."""
_LEAST_WAIT: Final = 1.0
"""Seconds of waiting that are worth a line."""


class Delays:
    """Delays of one run's event loop. The watchdog's thread calls `held` and `waited`."""

    def __init__(
        self, metrics: Metrics, has_started: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held, self._has_started, self._clock = metrics.counter("loop_held_total"), has_started, clock
        self._waited, self._said_at = 0.0, clock()
        self._next = 0.0

    def held(self, blocker: str, seconds: float) -> None:
        """Report a hold of the loop by code of a component or of mozu."""
        if not self._has_started() and seconds < _START_HOLD:
            return
        self._held.value += 1
        remedy = "await, use a thread, or declare the component `blocking`"
        _log.warning("%s held the event loop for more than %.1f s: %s", blocker, seconds, remedy)

    def waited(self, seconds: float) -> None:
        """Count seconds for which the loop waited for a CPU; log a line once a minute at most."""
        self._waited += seconds
        now = self._clock()
        if self._waited < _LEAST_WAIT or now < self._next:
            return
        _log.warning(
            "the event loop has waited for a CPU for %.1f of the last %.0f s, which no component is to blame for: the "
            "machine is busy, or mozu's quota too small (systemd: CPUWeight=, CPUQuota=)",
            self._waited, now - self._said_at,
        )  # fmt: skip
        self._waited, self._said_at, self._next = 0.0, now, now + _INTERVAL
