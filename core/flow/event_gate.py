"""The event gate: the last measure when memory is short."""


class EventGate:
    """A gate for all sources. While it is closed live events end before they are held or evaluated, counted (`shed`),
    and sources that can wait continue only when every alert so far is safe."""

    def __init__(self) -> None:
        self.is_closed = False
        self.dropped = 0
        """Number of events that have ended here."""
