"""The buffer in memory: bounded; when full the newest is dropped, and what is dropped has used its number."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert

NOTICES = 1_000
"""Room beyond the capacity for mozu's own notices: what tells of loss must not be lost to the same flood."""


class MemoryQueue:
    """accepted = delivered + dropped + waiting. Must be made on a running loop or before it starts."""

    def __init__(self, capacity: int, metrics: Metrics) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of a channel must be at least 1, not {capacity}")
        self._capacity, self._metrics = capacity, metrics
        self._items: deque[tuple[int, Alert]] = deque()
        self._out: set[int] = set()
        """Numbers given out and not settled."""
        self._changed = asyncio.Event()
        self._moved = asyncio.Event()
        self._closed = False
        self._sequence = 0
        self._gap: tuple[int, int] | None = None
        self.epoch = f"{time.time_ns():x}"
        self._accepted = metrics.counter("sink_alerts_accepted_total")
        self._full = metrics.counter("sink_alerts_dropped_total", reason="queue full")
        metrics.gauge("sink_queue_records", self.waiting)

    async def open(self) -> None:
        """Nothing to prepare."""

    def put(self, alert: Alert) -> None:
        """Number the alert and queue it, or drop it."""
        self._sequence += 1
        self._accepted.value += 1
        if len(self._items) >= self._capacity + (NOTICES if alert.source == "internal" else 0):
            self._full.value += 1
            self._gap = (self._gap[0] if self._gap else self._sequence, self._sequence)
            return
        self._items.append((self._sequence, alert))
        self._changed.set()

    async def get(self, most: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """The oldest."""
        while wait and not self._items and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        self._out.update(number for number, _ in taken)
        self._moved.set()
        return taken

    async def settle(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Without a disk there are no dead letters: what will never arrive is dropped."""
        self._out.difference_update(delivered)
        self._out.difference_update(number for number, _ in dead)
        if dead:
            self._metrics.counter("sink_alerts_dropped_total", reason="rejected").value += len(dead)
        self._moved.set()

    def take_dropped(self) -> list[DroppedRange]:
        """At most one range: drops of a full queue are contiguous until somebody asks."""
        gap, self._gap = self._gap, None
        return [] if gap is None else [DroppedRange(*gap, "its queue is full")]

    def mark(self) -> int:
        """The last number."""
        return self._sequence

    async def safe(self, mark: int) -> None:
        """In memory nothing is safe before it has arrived."""
        while self._oldest() <= mark:
            self._moved.clear()
            await self._moved.wait()

    async def room(self) -> None:
        """Until the queue is at most half full."""
        while len(self._items) > self._capacity // 2 and not self._closed:
            self._moved.clear()
            await self._moved.wait()

    def waiting(self) -> int:
        """Queued, or given out and not settled."""
        return len(self._items) + len(self._out)

    def close(self) -> None:
        """Wake everybody."""
        self._closed = True
        self._changed.set()
        self._moved.set()

    async def stop(self, reason: str) -> None:
        """Count what is left."""
        left = self.waiting()
        if left:
            self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += left
        self._items.clear()
        self._out.clear()

    def _oldest(self) -> int:
        queued = self._items[0][0] if self._items else self._sequence + 1
        return min(queued, min(self._out, default=queued))
