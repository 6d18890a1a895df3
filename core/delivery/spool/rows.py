"""Rows read from a spool besides alerts: dead letters, its status, and numbers as ranges."""

from collections.abc import Iterable
from itertools import islice

import msgspec

from mozu.core.model.alert import Alert


class DeadLetter(msgspec.Struct):
    """An alert that could not be delivered, and the reason."""

    id: int
    sequence: int
    time: int
    """Time at which the alert was given up, ns since the epoch."""
    attempts: int
    reason: str
    alert: Alert


class SpoolStatus(msgspec.Struct):
    """Contents of a spool."""

    epoch: str
    waiting: int
    oldest: int
    """Sequence number of the first that waits; 0 if none."""
    last: int
    """The highest sequence number ever given."""
    dead: int
    bytes: int
    """Bytes of pending alerts and dead letters."""


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the numbers as ranges (first, last) without holes, in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        first = number
        if found and found[-1][1] == number - 1:
            first, _ = found.pop()
        found.append((first, number))
    return found


def without(ranges: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of `ranges` that lie in none of the others, in order and without overlaps."""
    left: list[tuple[int, int]] = []
    cuts, at = sorted(others), 0
    for first, last in _merged(ranges):
        while at < len(cuts) and cuts[at][1] < first:
            at += 1
        for begin, end in islice(cuts, at, None):
            if begin > last or first > last:
                break
            if begin > first:
                left.append((first, begin - 1))
            first = max(first, end + 1)
        if first <= last:
            left.append((first, last))
    return left


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        elif first <= last:
            found.append((first, last))
    return found
