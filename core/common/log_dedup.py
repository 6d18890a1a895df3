"""Log dedup: one line when a failure begins or changes, a reminder while it lasts, and one line when it is over."""

import logging
import time
from collections.abc import Callable
from typing import Final

REMIND_INTERVAL: Final = 60.0
"""Seconds after which a continuing failure is logged again."""


class LogDeduper:
    """The log of one component that fails again and again for the same reason. Every method may be called at any
    rate."""

    def __init__(self, log: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._failure, self._logged_at, self._since = "", 0.0, 0.0
        self._warned_at: dict[str, float] = {}
        """Text of `warn` → time of its last line."""

    @property
    def is_failing(self) -> bool:
        """True if `failing` was called after the last `recovered`."""
        return bool(self._failure)

    def failing(self, text: str) -> None:
        """Note that the component does not work: logged when that is new, and once a minute."""
        now = self._clock()
        if text == self._failure and now - self._logged_at < REMIND_INTERVAL:
            return
        if not self._failure:
            self._since = now
        self._failure, self._logged_at = text, now
        if not self._was_warned(text, now):
            self._log.warning("%s", text)

    def warn(self, text: str) -> None:
        """Log something to know that stops nothing, at most once a minute."""
        now = self._clock()
        if not self._was_warned(text, now):
            self._warned_at[text] = now
            self._log.warning("%s", text)

    def recovered(self) -> None:
        """Note that the component works: logged if it did not."""
        if self._failure:
            self._log.info("works again after %.1f s", self._clock() - self._since)
            self._failure = ""

    def _was_warned(self, text: str, now: float) -> bool:
        return now - self._warned_at.get(text, -REMIND_INTERVAL) < REMIND_INTERVAL
