"""Circuit breaker: after failures in a row nothing is sent for a while, then one request probes the endpoint."""


class CircuitBreaker:
    """Closed: requests are sent. Open: none is. Half open: one is, and decides. Time is an argument (seconds)."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit, self._seconds = failures, seconds
        self._failures = 0
        self._open_until: float | None = None

    def left(self, now: float) -> float:
        """Seconds until a request may be sent; 0 when closed or half open."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    @property
    def closed(self) -> bool:
        """Whether more than one request may be sent."""
        return self._open_until is None

    def succeeded(self) -> None:
        """The endpoint has answered: close."""
        self._failures, self._open_until = 0, None

    def failed(self, now: float) -> None:
        """No answer, or one that says that the endpoint is down; a probe that fails opens the circuit again at once."""
        self._failures += 1
        if self._open_until is not None or self._failures >= self._limit:
            self._open_until = now + self._seconds
