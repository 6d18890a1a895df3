"""Fair queue: FIFO of packed alerts, bounded in bytes. When full it drops by priority, then fairly (`FairIndex`); the
dropped alert may be the newest. Pure: no clock.

mozu's own notices (source `internal`) have reserved space and are never dropped for alerts.

Until it is three quarters full, the queue is a plain deque. From then on, each new alert is indexed together with older
ones of four times its size, so that the index is complete when the queue is full and no alert waits for it to be built;
the index is discarded when the queue is half empty again.
"""

from collections import deque
from typing import Final

from mozu.core.delivery.fair_index import FairIndex, QueuedAlert
from mozu.core.delivery.packed_alert import PackedAlert

Numbered = tuple[int, PackedAlert]

NOTICE_RESERVE: Final = 1 << 20
"""Bytes beyond the configured ones for mozu's own notices: a report of loss must not be lost to the same flood."""
_INDEXED_FROM: Final = 3 / 4
_OLDER_INDEXED: Final = 4
"""Bytes of older alerts that are indexed for each new byte; three would suffice."""
_EVICTED_SHARE: Final = 8
"""Share of places of dropped alerts (one eighth) at which all of them are removed at once."""
_EVICTED_FROM: Final = 1_000
"""Constant added to the queue's length in that comparison: a short queue is not searched for a few places."""


class FairQueue:
    """Queue of (number, alert) with rising numbers. An alert larger than the capacity is accepted if it is alone."""

    def __init__(self, capacity: int) -> None:
        """Raise ValueError unless `capacity`, in bytes (`PackedAlert.size`), is at least 1."""
        if capacity < 1:
            raise ValueError(f"capacity of a queue must be at least 1 byte, not {capacity}")
        self._capacity = capacity
        self._older: deque[QueuedAlert] = deque()
        """Items that are not in the index."""
        self._newer: deque[QueuedAlert] = deque()
        """Items in the index, and places of dropped ones; empty without an index."""
        self._index: FairIndex | None = None
        self._count = self._evicted = 0
        """Number of alerts, and number of places of dropped ones."""
        self._alert_bytes = self._notice_bytes = 0

    def __len__(self) -> int:
        return self._count

    @property
    def bytes(self) -> int:
        """Bytes of memory that the alerts take."""
        return self._alert_bytes + self._notice_bytes

    def resize(self, capacity: int) -> None:
        """Set another capacity. Alerts beyond it stay until they are taken, or dropped for new ones."""
        self._capacity = capacity

    def put(self, number: int, alert: PackedAlert) -> list[Numbered]:
        """Enqueue; return the alerts dropped for it, which may include itself."""
        index, size = self._index, alert.size
        if index is None and self._alert_bytes + self._notice_bytes + size <= self._capacity * _INDEXED_FROM:
            self._older.append(QueuedAlert(number, alert))
            self._account_for(alert, size, 1)
            return []
        if alert.is_notice and self.bytes + size > self._capacity + NOTICE_RESERVE and self._count:
            return [(number, alert)]
        if index is None:
            index = self._index = FairIndex()
        item = QueuedAlert(number, alert)
        self._newer.append(item)
        self._account_for(alert, size, 1)
        index.add(item, newest=True)
        self._index_older(index, size * _OLDER_INDEXED)
        return self._shed(index)

    def take(self, limit: int) -> list[Numbered]:
        """Remove and return up to `limit` of the oldest, in order."""
        taken: list[Numbered] = []
        while self._count and len(taken) < limit:
            is_indexed = not self._older
            item = (self._older or self._newer).popleft()
            if item.alert is None:
                self._evicted -= 1
                continue
            if is_indexed and self._index is not None:
                self._index.remove(item)
            self._account_for(item.alert, item.alert.size, -1)
            taken.append((item.number, item.alert))
        if self._index is not None and self.bytes <= self._capacity // 2:
            self._index = None
            self._older.extend(item for item in self._newer if item.alert is not None)
            self._newer.clear()
            self._evicted = 0
        return taken

    def oldest(self) -> int | None:
        """Return the number of the oldest alert; None if empty."""
        if self._older:
            return self._older[0].number
        while self._newer and self._newer[0].alert is None:
            self._newer.popleft()
            self._evicted -= 1
        return self._newer[0].number if self._newer else None

    def clear(self) -> None:
        """Drop all alerts."""
        self._older.clear()
        self._newer.clear()
        self._index = None
        self._count = self._evicted = self._alert_bytes = self._notice_bytes = 0

    def _account_for(self, alert: PackedAlert, size: int, count: int) -> None:
        """Count one alert more, or (`count` -1) one less."""
        self._count += count
        if alert.is_notice:
            self._notice_bytes += count * size
        else:
            self._alert_bytes += count * size

    def _is_over(self) -> bool:
        """Return True if the queue is over its capacity. Notices count only beyond their reserve."""
        return self._alert_bytes + max(0, self._notice_bytes - NOTICE_RESERVE) > self._capacity

    def _shed(self, index: FairIndex) -> list[Numbered]:
        """Drop alerts until the rest fits; return them."""
        dropped: list[Numbered] = []
        while self._is_over() and self._count > 1:
            self._index_older(index, self.bytes)
            victim = index.evict()
            assert victim is not None  # notices alone are never over: `put` has refused those that would be
            assert victim.alert is not None
            dropped.append((victim.number, victim.alert))
            self._account_for(victim.alert, victim.alert.size, -1)
            if self._newer[-1] is victim:
                self._newer.pop()
                break  # it is the one that came: what was there before fits
            victim.alert = None
            self._evicted += 1
        if self._evicted * _EVICTED_SHARE > self._count + _EVICTED_FROM:
            self._newer = deque(item for item in self._newer if item.alert is not None)
            self._evicted = 0
        return dropped

    def _index_older(self, index: FairIndex, size: int) -> None:
        """Move so many bytes of unindexed alerts into the index, the newest first."""
        while size > 0 and self._older:
            item = self._older.pop()
            assert item.alert is not None  # only what is in the index is dropped
            size -= item.alert.size
            self._newer.appendleft(item)
            index.add(item, newest=False)
