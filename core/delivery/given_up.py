"""Numbers of records that a sink gave up: dead letters, and without a spool records that its destination rejected.

They never arrive under these numbers, so they are announced as dropped. A notice that is given up itself announces
nothing at once, or a destination that rejects everything would get an endless series of notices: its number, and the
numbers that it named, are announced with the next alert that is given up, or once the destination has accepted
something. A destination that accepts alerts and no notices gets one notice for 1, 2, 4 … MOST accepted records.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final

from mozu.core.delivery.alert_queue import GIVEN_UP, DroppedNumbers, DroppedRange
from mozu.core.model.alert import Alert

NOTICE: Final = "Alerts dropped"
"""The rule of notices that name dropped numbers."""
MOST: Final = 1024
"""Most records that a destination must accept before it gets another notice in place of a rejected one."""


class GivenUpNumbers:
    """Numbers of one sink that are given up and not announced yet."""

    def __init__(self) -> None:
        self._numbers = DroppedNumbers()
        self._is_due = self._has_notices = False
        self._accepted, self._needed = 0, 1
        """Number of records accepted since a notice was last given up, and number needed to announce again."""

    def add(self, number: int, *, is_notice: bool, named: Sequence[DroppedRange] = ()) -> None:
        """Add a number that is given up. `is_notice`: it is one of mozu's own, which named the ranges `named`."""
        self._numbers.add(number, number, GIVEN_UP)
        for one in named:
            self._numbers.add(one.first, one.last, one.reason)
        if is_notice:
            self._has_notices, self._accepted = True, 0
        else:
            self._is_due = True

    def settle(self, alerts: Mapping[int, Alert], given_up: Container[int], sink: str) -> list[DroppedRange]:
        """Count alerts that the sink has accepted, and add the numbers of those that it gave up.

        Return the ranges that notices among the latter named as dropped by this sink.
        """
        found: list[DroppedRange] = []
        for number, alert in alerts.items():
            if number in given_up:
                named = named_by(alert, sink)
                self.add(number, is_notice=alert.source == "internal", named=named)
                found += named
            else:
                self.accepted(alert)
        return found

    def accepted(self, alert: Alert) -> None:
        """Count an alert that the destination has accepted."""
        self._accepted += 1
        if alert.source == "internal":
            self._needed = 1
        if self._has_notices and not self._is_due and self._accepted >= self._needed:
            self._is_due, self._needed = True, min(2 * self._needed, MOST)

    def take(self) -> list[DroppedRange]:
        """Return the ranges to announce since the last call."""
        if not self._is_due:
            return []
        self._is_due = self._has_notices = False
        return self._numbers.take()


def named_by(alert: Alert, sink: str) -> list[DroppedRange]:
    """Return the ranges that a notice names as dropped by this sink; empty if the alert is no such notice."""
    if alert.source != "internal" or alert.rule != NOTICE or alert.values.get("sink") != sink:
        return []
    ranges = (one.partition("-")[::2] for one in str(alert.values["numbers"]).split(","))
    return [DroppedRange(int(first), int(last or first), GIVEN_UP) for first, last in ranges]
