"""Drop log: positions of a queue whose alerts were dropped, for a source that must know the fate of its own alerts.

Bounded: beyond `MAX_RANGES` the two oldest ranges become one, which may cover alerts between them that were not
dropped. An alert may thus be reported as dropped that was not, but never the reverse.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

MAX_RANGES: Final = 1_000
_REMEMBERED: Final = 100
"""Number of recent commits whose positions are kept."""


class DroppedPositions(msgspec.Struct, frozen=True):
    """A range of positions (`AlertQueue.position`) whose alerts were dropped, `first` to `last`."""

    first: int
    last: int
    reason: str
    can_retry: bool = True
    """True if the same alert may be accepted later (the queue was full); False if it would be dropped again."""


class DropLog:
    """Ranges in the order of their drops; adjacent ranges with the same reason are merged."""

    def __init__(self) -> None:
        self._ranges: deque[DroppedPositions] = deque()
        self._stored: deque[tuple[int, Sequence[int]]] = deque(maxlen=_REMEMBERED)
        """First number and the positions of the newest commits' alerts. Needed while a source's request waits, because
        newer alerts may displace the request's own."""

    def add(self, first: int, last: int, reason: str, *, can_retry: bool = True) -> None:
        """Note that the alerts at positions `first` to `last` were dropped."""
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
        """Note that the alerts at these positions got sequence numbers from `first` on."""
        self._stored.append((first, positions))

    def add_displaced(self, first: int, last: int, reason: str) -> None:
        """Note that stored alerts with these sequence numbers were dropped for newer ones; they would be dropped
        again."""
        for number, positions in self._stored:
            displaced = positions[max(0, first - number) : max(0, last - number + 1)]
            if displaced:
                self.add(displaced[0], displaced[-1], reason, can_retry=False)

    def between(self, after: int, upto: int) -> Iterator[DroppedPositions]:
        """Return the ranges that contain a position above `after` and at most `upto`."""
        return (dropped for dropped in self._ranges if dropped.first <= upto and dropped.last > after)
