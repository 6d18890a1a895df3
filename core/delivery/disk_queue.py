"""The durable queue: group commits into the spool on disk, where alerts stay until the destination has them."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path

from mozu.core.common.thread_pool import WorkerThread
from mozu.core.delivery.alert_queue import QUEUE_FULL, DroppedRange
from mozu.core.delivery.memory_queue import NOTICE_RESERVE
from mozu.core.delivery.read_ahead import ReadAhead
from mozu.core.delivery.spool import Spool, SpoolFull
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert

_GROUP_COMMIT = 2_000
"""Alerts in one transaction at most; while it is written the next one gathers."""
_POLL_INTERVAL = 1.0
"""Seconds between two looks for alerts that another process put back (`mozu redrive`)."""


class DiskQueue:
    """accepted + found = delivered + dead-lettered + dropped + spooled + uncommitted."""

    def __init__(
        self,
        path: Path,
        capacity: int,
        metrics: Metrics,
        *,
        max_bytes: int,
        fsync: bool,
        drop_oldest: bool,
        live_first: bool,
        spawn: Callable[[Coroutine[None, None, None], str], None],
    ) -> None:
        self._path, self._capacity, self._metrics = path, capacity, metrics
        self._max_bytes, self._fsync, self._drop_oldest = max_bytes, fsync, drop_oldest
        self._spawn = spawn
        self._log = logging.getLogger("mozu.spool")
        self._thread = WorkerThread(f"mozu-spool-{path.stem}")
        self._spool: Spool | None = None
        self._uncommitted: deque[Alert] = deque()
        self._in_commit = 0
        self._skipped = 0
        """Numbers still to be used up, for alerts dropped after those that are uncommitted now."""
        self._put = self._persisted = 0
        self._read_ahead = ReadAhead(self._read, live_first=live_first)
        self._dropped: list[DroppedRange] = []
        self._to_delete: list[int] = []
        self._to_dead_letter: list[tuple[int, str]] = []
        """Both: decided, and not yet in the file because the disk had no room."""
        self._added, self._committed = asyncio.Event(), asyncio.Event()
        self._closed = False
        self.epoch = ""
        self._accepted = metrics.counter("sink_alerts_accepted_total")
        self._dead_lettered = metrics.counter("sink_alerts_dead_lettered_total")
        metrics.gauge("sink_queue_records", self.in_memory)

    async def open(self) -> str:
        """Open the file, and count what an earlier run left in it. Raises SpoolUnusable."""
        spool = self._spool = await self._thread.run(
            lambda: Spool(self._path, max_bytes=self._max_bytes, fsync=self._fsync)
        )
        status = await self._thread.run(spool.status)
        self.epoch = status.epoch
        self._metrics.counter("spool_found_records_total").value += status.waiting
        self._metrics.gauge("spool_bytes", lambda: float(spool.size))
        self._spawn(self._write(spool), f"spool {self._path.stem}")
        return "" if spool.damage is None else str(spool.damage)

    def put(self, alert: Alert) -> None:
        """Take the alert for the next commit; it is dropped if a commit takes so long that the queue is full."""
        self._put += 1
        self._accepted.value += 1
        capacity = self._capacity + (NOTICE_RESERVE if alert.source == "internal" else 0)
        if len(self._uncommitted) >= capacity or (self._skipped and alert.source != "internal"):
            self._skipped += 1
        else:
            self._uncommitted.append(alert)
        self._added.set()

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """What the spool holds after the last one that was given out."""
        while True:
            committed = self._committed
            committed.clear()
            ended = self._closed and not self.in_memory()  # asked first: something may be committed during the read
            taken = await self._read_ahead.next(limit)
            if taken:
                return taken
            if not wait or ended:
                return []
            try:
                async with asyncio.timeout(_POLL_INTERVAL):
                    await committed.wait()
            except TimeoutError:
                continue

    async def _read(self, after: int, limit: int) -> list[tuple[int, Alert]]:
        spool = self._opened()
        return await self._thread.run(lambda: spool.read(after, limit))

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], retried: Sequence[int]) -> None:
        """Delete from the spool, move to its dead letters, or count the attempt."""
        spool = self._opened()
        self._dead_lettered.value += len(dead)
        self._to_delete += delivered
        self._to_dead_letter += dead
        self._read_ahead.acked((*delivered, *(number for number, _ in dead)))
        try:
            await self._thread.run(lambda: self._write_acks(spool, retried))
        except SpoolFull as full:
            self._log.warning("%s; acknowledgements are written later", full)

    def _write_acks(self, spool: Spool, retried: Sequence[int]) -> None:
        """On the spool's thread. What cannot be written now is written with the next batch."""
        if self._to_delete:
            spool.delete(self._to_delete)
            self._to_delete = []
        if self._to_dead_letter:
            spool.dead_letter(self._to_dead_letter)
            self._to_dead_letter = []
        if retried:
            spool.count_attempt(retried)

    def take_dropped(self) -> list[DroppedRange]:
        """What did not fit."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def position(self) -> int:
        """How many were ever put."""
        return self._put

    async def wait_persisted(self, position: int) -> None:
        """Until they are committed."""
        while self._persisted < position:
            await self._next_commit()

    async def wait_capacity(self) -> None:
        """Until at most half of the capacity is taken by uncommitted alerts."""
        while len(self._uncommitted) > self._capacity // 2:
            await self._next_commit()

    def in_memory(self) -> int:
        """Uncommitted, or in the commit under way."""
        return len(self._uncommitted) + self._in_commit

    def close(self) -> None:
        """The writer ends when everything is on disk."""
        self._closed = True
        self._added.set()

    async def stop(self, reason: str) -> None:
        """Close the file; what lies in it waits for the next run."""
        left = self.in_memory()
        if left:
            self._count_dropped(left, reason)
        if self._spool is not None:
            spool, self._spool = self._spool, None
            with suppress(SpoolFull):
                await self._thread.run(lambda: self._write_acks(spool, ()))
            status = await self._thread.run(spool.status)
            self._metrics.counter("spool_left_records_total").value += status.waiting
            await self._thread.run(spool.close)
        self._thread.close()

    # --- the writer

    async def _write(self, spool: Spool) -> None:
        while not (self._closed and not self._uncommitted and not self._skipped):
            if not self._uncommitted and not self._skipped:
                self._added.clear()
                await self._added.wait()
                continue
            batch = [self._uncommitted.popleft() for _ in range(min(_GROUP_COMMIT, len(self._uncommitted)))]
            self._in_commit = len(batch)
            await self._commit(spool, batch)
            self._in_commit = 0
            self._persisted += len(batch)
            if self._skipped and not self._uncommitted:
                await self._skip(spool, "its queue is full", self._take_skipped(), QUEUE_FULL)
            self._committed.set()
        self._committed.set()

    async def _commit(self, spool: Spool, batch: list[Alert]) -> None:
        if not batch:
            return
        try:
            self._read_ahead.committed(await self._thread.run(lambda: spool.append(batch)), batch)
        except SpoolFull as full:
            await self._drop_by_policy(spool, batch, str(full))

    async def _drop_by_policy(self, spool: Spool, batch: list[Alert], why: str) -> None:
        """The spool or its disk is full: as `spool.when_full` says the oldest make room, or the newest are dropped."""
        if self._drop_oldest:
            first, last, count = await self._thread.run(lambda: spool.drop_oldest(len(batch)))
            if count:
                self._count_dropped(count, "spool full")
                self._dropped.append(DroppedRange(first, last, why))
                self._read_ahead.dropped(last)
                await self._commit(spool, batch)
                return
        await self._skip(spool, why, len(batch), "spool full")

    async def _skip(self, spool: Spool, why: str, count: int, reason: str) -> None:
        self._count_dropped(count, reason)
        try:
            first, last = await self._thread.run(lambda: spool.skip(count))
        except SpoolFull:
            self._dropped.append(DroppedRange(0, 0, f"{why}; {count} numbers could not even be written"))
            return
        self._dropped.append(DroppedRange(first, last, why))

    def _take_skipped(self) -> int:
        count, self._skipped = self._skipped, 0
        self._persisted += count
        return count

    def _count_dropped(self, count: int, reason: str) -> None:
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += count

    async def _next_commit(self) -> None:
        try:
            async with asyncio.timeout(_POLL_INTERVAL):
                await self._committed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0)

    def _opened(self) -> Spool:
        if self._spool is None:
            raise RuntimeError("the spool is not open")
        return self._spool
