"""Numbers of records that a sink gave up: dead letters, and without a spool what its destination rejects.

They never arrive under these numbers, so they are announced as dropped. A notice that is itself given up announces
nothing by itself, or a destination that rejects everything would get one after the other for ever; its number is
announced with the next alert's.
"""

from mozu.core.delivery.alert_queue import GIVEN_UP, DroppedNumbers, DroppedRange


class GivenUpNumbers:
    """Of one sink."""

    def __init__(self) -> None:
        self._numbers = DroppedNumbers()
        self._is_due = False

    def add(self, number: int, *, is_notice: bool) -> None:
        """This one. `is_notice`: it is one of mozu's own."""
        self._numbers.add(number, number, GIVEN_UP)
        self._is_due = self._is_due or not is_notice

    def take(self) -> list[DroppedRange]:
        """What is to be announced, since the last call."""
        if not self._is_due:
            return []
        self._is_due = False
        return self._numbers.take()
