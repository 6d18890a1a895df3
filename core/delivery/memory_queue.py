"""The queue in memory: bounded; when full it drops the newest alert, whose sequence number is used up all the same."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from mozu.core.delivery.alert_queue import QUEUE_FULL, DroppedRange
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert

NOTICE_RESERVE = 1_000
"""Capacity beyond the configured one for mozu's own notices: a report of loss must not be lost to the same flood."""


class MemoryQueue:
    """accepted = delivered + dropped + in memory. Must be made on a running loop or before it starts."""

    def __init__(self, capacity: int, metrics: Metrics) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of a queue must be at least 1, not {capacity}")
        self._capacity, self._metrics = capacity, metrics
        self._items: deque[tuple[int, Alert]] = deque()
        self._unacked: set[int] = set()
        self._added = asyncio.Event()
        self._removed = asyncio.Event()
        self._closed = False
        self._sequence = 0
        self._dropped: tuple[int, int] | None = None
        self.epoch = f"{time.time_ns():x}"
        self._accepted = metrics.counter("sink_alerts_accepted_total")
        self._full = metrics.counter("sink_alerts_dropped_total", reason=QUEUE_FULL)
        metrics.gauge("sink_queue_records", self.in_memory)

    async def open(self) -> str:
        """Nothing to prepare."""
        return ""

    def put(self, alert: Alert) -> None:
        """Number the alert and enqueue it; a full queue drops it."""
        self._sequence += 1
        self._accepted.value += 1
        if len(self._items) >= self._capacity + (NOTICE_RESERVE if alert.source == "internal" else 0):
            self._full.value += 1
            self._dropped = (self._dropped[0] if self._dropped else self._sequence, self._sequence)
            return
        self._items.append((self._sequence, alert))
        self._added.set()

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """The oldest."""
        while wait and not self._items and not self._closed:
            self._added.clear()
            await self._added.wait()
        taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
        self._unacked.update(number for number, _ in taken)
        self._removed.set()
        return taken

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], retried: Sequence[int]) -> None:
        """Without a disk there are no dead letters: what would become one is dropped as `rejected`."""
        self._unacked.difference_update(delivered)
        self._unacked.difference_update(number for number, _ in dead)
        if dead:
            self._metrics.counter("sink_alerts_dropped_total", reason="rejected").value += len(dead)
        self._removed.set()

    def take_dropped(self) -> list[DroppedRange]:
        """At most one range: drops of a full queue are contiguous until they are taken."""
        dropped, self._dropped = self._dropped, None
        return [] if dropped is None else [DroppedRange(*dropped, "its queue is full")]

    def take_problems(self) -> list[str]:
        """There is no file."""
        return []

    def position(self) -> int:
        """The last number."""
        return self._sequence

    async def wait_persisted(self, position: int) -> None:
        """There is no disk: only what was acknowledged or dropped cannot be lost any more."""
        while self._oldest() <= position:
            self._removed.clear()
            await self._removed.wait()

    async def wait_capacity(self) -> None:
        """Until at most half of the capacity is taken."""
        while len(self._items) > self._capacity // 2 and not self._closed:
            self._removed.clear()
            await self._removed.wait()

    def in_memory(self) -> int:
        """Queued, or given out and not acknowledged."""
        return len(self._items) + len(self._unacked)

    def close(self) -> None:
        """Wake every task that waits."""
        self._closed = True
        self._added.set()
        self._removed.set()

    async def stop(self, reason: str) -> None:
        """Count what is left as dropped."""
        left = self.in_memory()
        if left:
            self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += left
        self._items.clear()
        self._unacked.clear()

    def _oldest(self) -> int:
        queued = self._items[0][0] if self._items else self._sequence + 1
        return min(queued, min(self._unacked, default=queued))
