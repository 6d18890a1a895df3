"""What is read from a spool besides alerts: dead letters, its status, and numbers as ranges."""

from collections.abc import Iterable, Iterator

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


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ranges (first, last) without holes."""
    first = last = None
    for number in sorted(numbers):
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
