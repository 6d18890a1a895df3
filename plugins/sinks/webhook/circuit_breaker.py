"""Circuit breaker: after failures in a row nothing is sent for a while, then one request probes the endpoint."""


class CircuitBreaker:
    """State of an endpoint. Closed: requests are sent. Open: none is. Half open: one is, and its result decides. Time
    is an argument (seconds)."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit, self._seconds = failures, seconds
        self._failures = 0
        self._open_until: float | None = None

    def left(self, now: float) -> float:
        """Return the seconds until a request may be sent; 0 if closed or half open."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    @property
    def closed(self) -> bool:
        """True if more than one request may be sent."""
        return self._open_until is None

    def succeeded(self) -> None:
        """Close the circuit, because the endpoint has answered."""
        self._failures, self._open_until = 0, None

    def failed(self, now: float) -> None:
        """Count a missing answer, or one that means that the endpoint is down; after a failed probe the circuit opens
        again at once."""
        self._failures += 1
        if self._open_until is not None or self._failures >= self._limit:
            self._open_until = now + self._seconds
