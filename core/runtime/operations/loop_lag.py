"""Delay of the event loop: the most by which a timer was late, lately and since the start."""

import asyncio
from typing import Final

from mozu.core.metrics import Metrics

_INTERVAL: Final = 0.5


class LoopLag:
    """Gauges `loop_lag_seconds` (the most of the last ten seconds or so) and `loop_lag_highest_seconds`."""

    def __init__(self, metrics: Metrics) -> None:
        self._recent: list[float] = []
        self._highest = 0.0
        metrics.gauge("loop_lag_seconds", lambda: max(self._recent, default=0.0))
        metrics.gauge("loop_lag_highest_seconds", lambda: self._highest)

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _INTERVAL
            await asyncio.sleep(_INTERVAL)
            self.note(max(0.0, loop.time() - due))

    def note(self, seconds: float) -> None:
        """Note that a timer came this many seconds late."""
        self._recent = [*self._recent[-19:], seconds]
        self._highest = max(self._highest, seconds)
