"""The queue in memory: bounded in bytes; when full it drops by priority, then fairly (fair_queue.py). Dropped alerts
have used their sequence numbers."""

import asyncio
import time
from collections.abc import Sequence

from mozu.core.delivery.alert_queue import QUEUE_FULL, DroppedNumbers, DroppedRange
from mozu.core.delivery.drop_counter import DropCounter
from mozu.core.delivery.drop_log import DropLog
from mozu.core.delivery.fair_queue import FairQueue
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.delivery.sink_counters import REJECTED, make_counters
from mozu.core.metrics import Metrics


class MemoryQueue:
    """Alert queue in memory: accepted = delivered + dropped + in memory. `capacity` is in bytes. To be created on the
    running loop or before it starts."""

    def __init__(self, capacity: int, metrics: Metrics) -> None:
        self._capacity, self._metrics = capacity, metrics
        self._items = FairQueue(capacity)
        self._unacked: set[int] = set()
        self._added = asyncio.Event()
        self._removed = asyncio.Event()
        self._closed = False
        self._sequence = 0
        self._dropped = DroppedNumbers()
        self._drops = DropCounter(metrics)
        self.drop_log = DropLog()
        self.epoch = f"{time.time_ns():x}"
        make_counters(metrics)
        self._accepted = metrics.counter("sink_alerts_accepted_total")
        metrics.gauge("sink_queue_records", self.in_memory)
        metrics.gauge("sink_queue_bytes", lambda: self._items.bytes)
        self._forget_waiting = metrics.summed_gauge("sink_alerts_waiting", self.waiting)

    async def open(self) -> str:
        """Return the empty text: there is nothing to prepare."""
        return ""

    def resize(self, capacity: int) -> None:
        """Set another capacity for alerts that come from now on."""
        self._capacity = capacity
        self._items.resize(capacity)

    def shrink(self) -> int:
        """Return 0: accepted alerts have no other copy."""
        return 0

    def take_waiting(self) -> list[PackedAlert]:
        """Remove and return the alerts that `get` has not returned, in order: another queue accepts and counts them."""
        taken = [alert for _, alert in self._items.take(len(self._items))]
        self._accepted.value -= len(taken)
        return taken

    def forget_unacked(self) -> None:
        """Forget unacknowledged alerts that `get` has returned: another queue has accepted and counted them."""
        self._accepted.value -= len(self._unacked)
        self._unacked.clear()
        self._removed.set()

    def put(self, alert: PackedAlert) -> None:
        """Number the alert and enqueue it; a full queue drops it or less important ones."""
        self._sequence += 1
        self._accepted.value += 1
        for number, victim in self._items.put(self._sequence, alert):
            self._dropped.add(number, number, "its queue is full")
            self._drops.count(victim.form, QUEUE_FULL)
            self._removed.set()
            self.drop_log.add(number, number, QUEUE_FULL)
        self._added.set()

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, PackedAlert]]:
        """Return up to `limit` of the oldest alerts; empty once the queue is closed and empty."""
        while wait and not self._items and not self._closed:
            self._added.clear()
            await self._added.wait()
        taken = self._items.take(limit)
        self._unacked.update(number for number, _ in taken)
        self._removed.set()
        return taken

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Settle alerts. Without a disk there are no dead letters: rejected alerts are counted as dropped
        (`rejected`)."""
        self._unacked.difference_update(delivered)
        self._unacked.difference_update(number for number, _ in dead)
        for number, reason in dead:
            self.drop_log.add(number, number, f"rejected: {reason}", can_retry=False)
        if dead:
            self._metrics.counter("sink_alerts_dropped_total", reason=REJECTED).value += len(dead)
        self._removed.set()

    def take_dropped(self) -> list[DroppedRange]:
        """Return exact ranges of dropped numbers, in order."""
        return self._dropped.take()

    def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """Do nothing: the numbers of a queue in memory end with the run."""

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Do nothing: the numbers of a queue in memory end with the run."""

    def take_problems(self) -> list[str]:
        """Return nothing: there is no file."""
        return []

    def position(self) -> int:
        """Return the last number."""
        return self._sequence

    async def wait_persisted(self, position: int) -> None:
        """Wait until the first `position` alerts are acknowledged or dropped: without a disk, only these cannot be
        lost."""
        while self._oldest() <= position:
            self._removed.clear()
            await self._removed.wait()

    async def wait_capacity(self) -> None:
        """Wait until at most half of the capacity is taken, or the queue is closed."""
        while self._items.bytes > self._capacity // 2 and not self._closed:
            self._removed.clear()
            await self._removed.wait()

    def in_memory(self) -> int:
        """Return the number of alerts that are queued, or returned by `get` and not acknowledged."""
        return len(self._items) + len(self._unacked)

    def waiting(self) -> int:
        """Return the number of waiting alerts, all of which are in memory."""
        return self.in_memory()

    def close(self) -> None:
        """Close the queue, and wake all waiting tasks."""
        self._closed = True
        self._added.set()
        self._removed.set()

    async def stop(self, reason: str) -> int:
        """Count remaining alerts as dropped. Return 0: none waits on disk."""
        left = self.in_memory()
        if left:
            self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += left
            self.drop_log.add(self._oldest(), self._sequence, reason)
        self._items.clear()
        self._unacked.clear()
        self._forget_waiting()
        self._removed.set()
        return 0

    def _oldest(self) -> int:
        queued = self._items.oldest() or self._sequence + 1
        return min(queued, min(self._unacked, default=queued))
