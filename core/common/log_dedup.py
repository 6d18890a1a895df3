"""Log dedup: one line when a failure begins or changes, a reminder while it lasts, and one line when it is over."""

import logging
import time
from collections.abc import Callable
from typing import Final

REMIND_INTERVAL: Final = 60.0
"""Seconds after which a continuing failure is logged again."""
_MOST: Final = 64
"""Number of texts that are remembered."""


class LogDeduper:
    """The log of one component that fails again and again for the same reasons. Every method may be called at any
    rate."""

    def __init__(self, log: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._since: float | None = None
        """Time at which the failure began; None if there is none."""
        self._logged_at: dict[str, float] = {}
        """Text → time of its last line, oldest line first."""
        self._reasons: set[str] = set()
        """Texts logged for the failure, which are logged at once if it begins again."""

    @property
    def is_failing(self) -> bool:
        """True if `failing` was called after the last `recovered`."""
        return self._since is not None

    def failing(self, text: str) -> None:
        """Note that the component does not work. Each reason is logged once a minute, also if two alternate."""
        if self._since is None:
            self._since = self._clock()
        if not self._is_known(text):
            self._reasons.add(text)
            self._log.warning("%s", text)

    def warn(self, text: str) -> None:
        """Log something to know that stops nothing, at most once a minute."""
        if not self._is_known(text):
            self._log.warning("%s", text)

    def recovered(self) -> None:
        """Note that the component works: logged if it did not."""
        if self._since is not None:
            self._log.info("works again after %.1f s", self._clock() - self._since)
            self._since = None
            for text in self._reasons:
                self._logged_at.pop(text, None)
            self._reasons.clear()

    def _is_known(self, text: str) -> bool:
        """Return True if the text was logged within the last minute; otherwise note that it is logged now."""
        now = self._clock()
        if now - self._logged_at.get(text, -REMIND_INTERVAL) < REMIND_INTERVAL:
            return True
        self._logged_at.pop(text, None)
        self._logged_at[text] = now
        if len(self._logged_at) > _MOST:
            del self._logged_at[next(iter(self._logged_at))]
        return False
