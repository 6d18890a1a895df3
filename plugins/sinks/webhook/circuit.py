"""When to leave an endpoint alone: after failures in a row nothing is sent for a while, then one request probes."""


class Circuit:
    """Closed: requests go. Open: none goes. Half open: one goes, and decides. Time is an argument (seconds)."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit, self._seconds = failures, seconds
        self._failures = 0
        self._until: float | None = None

    def left(self, now: float) -> float:
        """Seconds in which nothing may be sent."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    @property
    def closed(self) -> bool:
        """Whether more than one request may go."""
        return self._until is None

    def succeeded(self) -> None:
        """The endpoint has answered."""
        self._failures, self._until = 0, None

    def failed(self, now: float) -> None:
        """It has not, or says that it cannot; a probe that fails opens the circuit at once."""
        self._failures += 1
        if self._until is not None or self._failures >= self._limit:
            self._until = now + self._seconds
