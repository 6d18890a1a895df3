"""A bounded queue of records: when full the newest is dropped, and what is dropped has used its numbers."""

import asyncio
from collections import deque

from mozu.core.alert import Alert
from mozu.core.metrics import Metrics


class Channel:
    """Between the pipeline (which never waits) and one sink. accepted = delivered + dropped + what lies here."""

    def __init__(self, capacity: int, metrics: Metrics) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of a channel must be at least 1, not {capacity}")
        self._capacity = capacity
        self._items: deque[tuple[int, Alert]] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False
        self.sequence = 0
        self.dropped_from = 0
        """First number of the range dropped since the last `take_gap`, 0 for none."""
        self.dropped_to = 0
        self.accepted = metrics.counter("sink_alerts_accepted_total")
        self.dropped = metrics.counter("sink_alerts_dropped_total", reason="queue full")
        metrics.gauge("sink_queue_records", lambda: len(self._items))

    def __len__(self) -> int:
        return len(self._items)

    def put(self, alert: Alert) -> bool:
        """Number the alert and queue it; False if the queue was full and it was dropped."""
        self.sequence += 1
        self.accepted.value += 1
        if len(self._items) >= self._capacity:
            self.dropped.value += 1
            self.dropped_from = self.dropped_from or self.sequence
            self.dropped_to = self.sequence
            return False
        self._items.append((self.sequence, alert))
        self._wake.set()
        return True

    def take_gap(self) -> tuple[int, int] | None:
        """The range of numbers dropped since the last call."""
        if not self.dropped_from:
            return None
        gap = self.dropped_from, self.dropped_to
        self.dropped_from = self.dropped_to = 0
        return gap

    async def get(self, most: int) -> list[tuple[int, Alert]]:
        """Up to `most` alerts with their numbers; waits for the first. Empty only when closed and drained."""
        while not self._items and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        if len(self._items) <= self._capacity // 2:
            self._room.set()
        return taken

    async def room(self) -> None:
        """Wait until the queue is at most half full; for sources that can wait, so that nothing is dropped for them."""
        while len(self._items) > self._capacity // 2 and not self._closed:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """Nothing more comes; what lies here can still be taken."""
        self._closed = True
        self._wake.set()
        self._room.set()
