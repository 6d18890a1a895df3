"""Fair queue: FIFO of packed alerts, bounded in bytes, that drops by priority, then fairly, when it is full (load
shedding, not tail drop; `FairIndex` says which). The victim may be the alert that has just come. Pure: no clock.

Notices of mozu itself (source `internal`) have room of their own and are no victims.

Until it is three quarters full it is a plain deque. From there on each alert that comes is entered in the index of what
could be dropped, together with older ones of four times its size, so that the index is complete when the queue is full
and no alert waits for it to be made; it is given up when the queue is half empty again.
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
"""Bytes of older alerts that are entered in the index for each byte that comes: three would do."""
_EVICTED_SHARE: Final = 8
"""An eighth of the queue may be places of alerts that were dropped; then they are removed, all at once."""
_EVICTED_FROM: Final = 1_000
"""Alerts for which a queue counts beyond those that it has: a short one is not searched for a few places."""


class FairQueue:
    """Numbers must rise. `put` gives what was dropped for it; `take` gives the oldest. An alert that is larger than the
    capacity is taken where it is alone."""

    def __init__(self, capacity: int) -> None:
        """`capacity`: bytes (`PackedAlert.size`)."""
        if capacity < 1:
            raise ValueError(f"capacity of a queue must be at least 1 byte, not {capacity}")
        self._capacity = capacity
        self._older: deque[QueuedAlert] = deque()
        """Not in the index."""
        self._newer: deque[QueuedAlert] = deque()
        """In the index, with the places of dropped ones; empty where there is none."""
        self._index: FairIndex | None = None
        self._count = self._evicted = 0
        """Alerts; places of dropped ones."""
        self._alert_bytes = self._notice_bytes = 0

    def __len__(self) -> int:
        return self._count

    @property
    def bytes(self) -> int:
        """Memory that the alerts take."""
        return self._alert_bytes + self._notice_bytes

    def resize(self, capacity: int) -> None:
        """Another capacity. What is beyond it stays until it is taken, or is dropped for what comes."""
        self._capacity = capacity

    def put(self, number: int, alert: PackedAlert) -> list[Numbered]:
        """Enqueue; gives the alerts that were dropped for it, which may be itself."""
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
        """The oldest, in order."""
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
        """The number of the first that waits."""
        if self._older:
            return self._older[0].number
        while self._newer and self._newer[0].alert is None:
            self._newer.popleft()
            self._evicted -= 1
        return self._newer[0].number if self._newer else None

    def clear(self) -> None:
        """Drop all."""
        self._older.clear()
        self._newer.clear()
        self._index = None
        self._count = self._evicted = self._alert_bytes = self._notice_bytes = 0

    def _account_for(self, alert: PackedAlert, size: int, count: int) -> None:
        """One more, or (-1) one less."""
        self._count += count
        if alert.is_notice:
            self._notice_bytes += count * size
        else:
            self._alert_bytes += count * size

    def _is_over(self) -> bool:
        """Notices take room from alerts only beyond their reserve."""
        return self._alert_bytes + max(0, self._notice_bytes - NOTICE_RESERVE) > self._capacity

    def _shed(self, index: FairIndex) -> list[Numbered]:
        """Drop until what is left fits."""
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
        """Enter so many bytes of what came before the index was begun, the newest first."""
        while size > 0 and self._older:
            item = self._older.pop()
            assert item.alert is not None  # only what is in the index is dropped
            size -= item.alert.size
            self._newer.appendleft(item)
            index.add(item, newest=False)
