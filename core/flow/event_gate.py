"""The event gate: the last thing that gives way where memory is short."""


class EventGate:
    """Of all sources. While it is closed live events end before they are held or evaluated, counted (`shed`), and
    sources that can wait go on only when every alert so far is safe."""

    def __init__(self) -> None:
        self.is_closed = False
        self.dropped = 0
        """Events that have ended here."""
