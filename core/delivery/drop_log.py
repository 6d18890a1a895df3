"""Drop log: which positions of a queue hold dropped alerts, for a source that must know what became of its own.

Bounded: beyond `MAX_RANGES` the two oldest ranges become one, which may cover alerts between them that were not
dropped. So an alert may be reported as dropped that was not, never the other way round.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

MAX_RANGES: Final = 1_000
_REMEMBERED: Final = 100
"""Commits of which the positions are kept."""


class DroppedPositions(msgspec.Struct, frozen=True):
    """Positions (`AlertQueue.position`) whose alerts were dropped, `first` to `last`."""

    first: int
    last: int
    reason: str
    can_retry: bool = True
    """Whether the same alert may be accepted later: there was no room for it. False: it would be dropped again."""


class DropLog:
    """Ranges in the order in which they were dropped; neighbours with one reason are one range."""

    def __init__(self) -> None:
        self._ranges: deque[DroppedPositions] = deque()
        self._stored: deque[tuple[int, Sequence[int]]] = deque(maxlen=_REMEMBERED)
        """Of the newest commits: the first number, and the position of each alert. Kept where newer alerts may displace
        those of a request that waits for its response."""

    def add(self, first: int, last: int, reason: str, *, can_retry: bool = True) -> None:
        """The alerts from `first` to `last` were dropped."""
        newest = self._ranges[-1] if self._ranges else None
        if newest and newest.last + 1 == first and (newest.reason, newest.can_retry) == (reason, can_retry):
            self._ranges[-1] = msgspec.structs.replace(newest, last=last)
            return
        self._ranges.append(DroppedPositions(first, last, reason, can_retry))
        if len(self._ranges) > MAX_RANGES:
            one, two = self._ranges.popleft(), self._ranges.popleft()
            can_retry = one.can_retry or two.can_retry
            both = DroppedPositions(min(one.first, two.first), max(one.last, two.last), two.reason, can_retry)
            self._ranges.appendleft(both)

    def stored(self, first: int, positions: Sequence[int]) -> None:
        """The alerts of these positions got the numbers from `first` on."""
        self._stored.append((first, positions))

    def add_displaced(self, first: int, last: int, reason: str) -> None:
        """The alerts with these numbers were stored, and dropped for newer ones: they would be dropped again."""
        for number, positions in self._stored:
            displaced = positions[max(0, first - number) : max(0, last - number + 1)]
            if displaced:
                self.add(displaced[0], displaced[-1], reason, can_retry=False)

    def between(self, after: int, upto: int) -> Iterator[DroppedPositions]:
        """The ranges that hold a position beyond `after` and not beyond `upto`."""
        return (dropped for dropped in self._ranges if dropped.first <= upto and dropped.last > after)
