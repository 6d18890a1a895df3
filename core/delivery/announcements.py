"""The way of a dropped number of a disk queue: dropped, taken for a notice, and heard of once the notice is on disk."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from mozu.core.delivery.alert_queue import DroppedNumbers, DroppedRange
from mozu.core.delivery.packed_alert import PackedAlert


class _UnderWay(NamedTuple):
    """Notices that were put at the positions after `begin` up to `end` announce the ranges."""

    begin: int
    end: int
    ranges: list[DroppedRange]


class Announcements:
    """If a notice is dropped itself, what it announced is announced again, once alerts can be stored again."""

    def __init__(self) -> None:
        self._dropped = DroppedNumbers()
        self._begin = 0
        self._under_way: deque[_UnderWay] = deque()
        self._lost_notices: list[int] = []
        """Positions of notices that were dropped themselves, of those under way."""
        self._unheard: list[DroppedRange] = []

    def add(self, first: int, last: int, reason: str) -> None:
        """These were dropped."""
        self._dropped.add(first, last, reason)

    def take(self, position: int) -> list[DroppedRange]:
        """What notices are to be put for now, after this position."""
        self._begin = position
        return self._dropped.take()

    def put(self, position: int, ranges: Sequence[DroppedRange]) -> None:
        """Notices of these have been put, the last of them at this position."""
        if ranges:
            self._under_way.append(_UnderWay(self._begin, position, list(ranges)))

    def not_stored(self, dropped: Sequence[tuple[int, PackedAlert]]) -> None:
        """These were dropped, each with its position; notices may be among them."""
        self._lost_notices += [position for position, alert in dropped if alert.is_notice]

    def heard(self, oldest: int) -> list[DroppedRange]:
        """Ranges that were announced by notices that are on disk, now that all positions below `oldest` are."""
        found: list[DroppedRange] = []
        while self._under_way and self._under_way[0].end < oldest:
            begin, end, ranges = self._under_way.popleft()
            is_lost = any(begin < position <= end for position in self._lost_notices)
            (self._unheard if is_lost else found).extend(ranges)
        self._lost_notices = [position for position in self._lost_notices if position >= oldest]
        return found

    def stored(self) -> None:
        """Alerts can be stored: what was announced in vain is announced again."""
        for one in self._unheard:
            self._dropped.add(one.first, one.last, one.reason)
        self._unheard = []
