"""Announcements of a disk queue's dropped numbers, from the drop until their notice is on disk."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from mozu.core.delivery.alert_queue import DroppedNumbers, DroppedRange
from mozu.core.delivery.packed_alert import PackedAlert


class _UnderWay(NamedTuple):
    """Ranges announced by notices at the positions after `begin` up to `end`."""

    begin: int
    end: int
    ranges: list[DroppedRange]


class Announcements:
    """Dropped ranges and the notices that announce them. If a notice is dropped itself, its ranges are announced again
    once alerts can be stored."""

    def __init__(self) -> None:
        self._dropped = DroppedNumbers()
        self._begin = 0
        self._under_way: deque[_UnderWay] = deque()
        self._lost_notices: list[int] = []
        """Positions of notices under way that were dropped themselves."""
        self._unheard: list[DroppedRange] = []

    def add(self, first: int, last: int, reason: str) -> None:
        """Add the dropped numbers `first` to `last`."""
        self._dropped.add(first, last, reason)

    def take(self, position: int) -> list[DroppedRange]:
        """Return the ranges to announce; their notices will be put after `position`."""
        self._begin = position
        return self._dropped.take()

    def put(self, position: int, ranges: Sequence[DroppedRange]) -> None:
        """Note that notices of these ranges were put, the last one at `position`."""
        if ranges:
            self._under_way.append(_UnderWay(self._begin, position, list(ranges)))

    def not_stored(self, dropped: Sequence[tuple[int, PackedAlert]]) -> None:
        """Note dropped alerts, each with its position; notices may be among them."""
        self._lost_notices += [position for position, alert in dropped if alert.is_notice]

    def heard(self, oldest: int) -> list[DroppedRange]:
        """Return the ranges whose notices are on disk, given that all positions below `oldest` are settled."""
        found: list[DroppedRange] = []
        while self._under_way and self._under_way[0].end < oldest:
            begin, end, ranges = self._under_way.popleft()
            is_lost = any(begin < position <= end for position in self._lost_notices)
            (self._unheard if is_lost else found).extend(ranges)
        self._lost_notices = [position for position in self._lost_notices if position >= oldest]
        return found

    def stored(self) -> None:
        """Announce again the ranges of dropped notices, because alerts can be stored now."""
        for one in self._unheard:
            self._dropped.add(one.first, one.last, one.reason)
        self._unheard = []
