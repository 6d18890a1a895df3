"""What is read from a spool besides alerts: dead letters, its status, and numbers as ranges."""

from collections.abc import Iterable

import msgspec

from mozu.core.model.alert import Alert


class DeadLetter(msgspec.Struct):
    """An alert that could not be delivered, and why."""

    id: int
    sequence: int
    time: int
    """ns since the epoch at which it was given up."""
    attempts: int
    reason: str
    alert: Alert


class SpoolStatus(msgspec.Struct):
    """What is in a spool."""

    epoch: str
    waiting: int
    oldest: int
    """Sequence number of the first that waits, 0 for none."""
    last: int
    """The highest sequence number ever given."""
    dead: int
    bytes: int
    """Of pending alerts and dead letters."""


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ranges (first, last) without holes, in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        first = number
        if found and found[-1][1] == number - 1:
            first, _ = found.pop()
        found.append((first, number))
    return found
