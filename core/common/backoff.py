"""Back-off: exponential delays with jitter after failed attempts, so that a fleet does not return all at once."""

import random
import time
from collections.abc import Callable


class Backoff:
    """A delay that doubles with each failure, from `first` to `longest` seconds; a success resets it to `first`.

    `jitter` is the share of the delay that is random: 1 is full jitter (from 0 to the delay), 0 is none.
    """

    def __init__(
        self, first: float, longest: float, *, jitter: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first, self._longest, self._jitter, self._clock = first, longest, jitter, clock
        self._delay, self._due = first, 0.0

    def failed(self, *, ago: float = 0.0) -> float:
        """Note that the attempt that ended `ago` seconds ago has failed; return the seconds from its end to the next
        one."""
        delay = self._delay * random.uniform(1.0 - self._jitter, 1.0)
        self._delay = min(self._delay * 2, self._longest)
        self._due = self._clock() - ago + delay
        return delay

    def succeeded(self) -> None:
        """Make the next attempt due immediately."""
        self._delay, self._due = self._first, 0.0

    def left(self) -> float:
        """Return the seconds until the next attempt is due."""
        return max(0.0, self._due - self._clock())
