"""Allowance of one token: a token bucket for the rate, and a quota for the day."""

import time
from collections.abc import Callable
from typing import Final

_BURST_SECONDS: Final = 10.0
_DAY: Final = 86_400


class Allowance:
    """Items (alerts, events) that one client may send. An excess is owed, so that a request larger than the bucket
    passes, too."""

    def __init__(
        self,
        rate: float,
        quota: int | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rate, self._quota = rate, quota
        self._monotonic, self._now = monotonic, now
        self._level = rate * _BURST_SECONDS
        self._filled = monotonic()
        self._day, self._used = 0, 0

    def refusal(self) -> tuple[str, float] | None:
        """Return the reason for a refusal now (`rate` or `quota`) and the seconds until it ends; None if items are
        accepted."""
        now = self._now()
        if self._day != now // _DAY:
            self._day, self._used = int(now // _DAY), 0
        if self._quota is not None and self._used >= self._quota:
            return "quota", (self._day + 1) * _DAY - now
        filled, self._filled = self._filled, self._monotonic()
        self._level = min(self._rate * _BURST_SECONDS, self._level + (self._filled - filled) * self._rate)
        return None if self._level > 0 else ("rate", -self._level / self._rate)

    def take(self, items: int) -> None:
        """Count accepted items."""
        self._level -= items
        self._used += items
