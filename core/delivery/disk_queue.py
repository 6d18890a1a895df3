"""The buffer on disk: staged in memory for the length of a commit, then in the spool until the destination has it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.memory_queue import NOTICES
from mozu.core.delivery.read_ahead import ReadAhead
from mozu.core.delivery.spool import Spool, SpoolFull
from mozu.core.isolation.worker_thread import WorkerThread
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert

T = TypeVar("T")

_COMMIT = 2_000
"""Alerts in one transaction at most; while it is written the next one gathers."""
_LOOK_EVERY = 1.0
"""Seconds between two looks for what another process put back (`mozu redrive`)."""


class DiskQueue:
    """accepted + found = delivered + dead-lettered + dropped + spooled + staged."""

    def __init__(
        self,
        path: Path,
        stage: int,
        metrics: Metrics,
        *,
        most_bytes: int,
        fsync: bool,
        drop_oldest: bool,
        live_first: bool,
        spawn: Callable[[Any, str], None],
        tell: Callable[[str], None],
    ) -> None:
        self._path, self._capacity, self._metrics = path, stage, metrics
        self._most_bytes, self._fsync, self._drop_oldest, self._tell = most_bytes, fsync, drop_oldest, tell
        self._spawn = spawn
        self._log = logging.getLogger("mozu.spool")
        self._worker = WorkerThread(f"mozu-spool-{path.stem}")
        self._spool: Spool | None = None
        self._staged: deque[Alert] = deque()
        self._in_commit = 0
        self._skipped = 0
        """Numbers still to be used up, for alerts dropped after what is staged now."""
        self._put = self._safe = 0
        self._upcoming = ReadAhead(self._read, live_first=live_first)
        self._gaps: list[DroppedRange] = []
        self._delivered: list[int] = []
        self._buried: list[tuple[int, str]] = []
        """Settled by the sink, and not yet in the file because the disk had no room."""
        self._changed, self._committed = asyncio.Event(), asyncio.Event()
        self._closed = False
        self.epoch = ""
        self._accepted = metrics.counter("sink_alerts_accepted_total")
        self._dead = metrics.counter("sink_alerts_dead_lettered_total")
        metrics.gauge("sink_queue_records", self.waiting)

    async def open(self) -> None:
        """Open the file, and count what an earlier run left in it. Raises SpoolUnusable."""
        spool = self._spool = await self._worker.run(
            lambda: Spool(self._path, most_bytes=self._most_bytes, fsync=self._fsync)
        )
        if spool.damage is not None:
            self._tell(str(spool.damage))
        status = await self._worker.run(spool.status)
        self.epoch = status.epoch
        self._metrics.counter("spool_found_records_total").value += status.waiting
        self._metrics.gauge("spool_bytes", lambda: float(spool.weight))
        self._spawn(self._write(spool), f"spool {self._path.stem}")

    def put(self, alert: Alert) -> None:
        """Stage the alert, or drop it if a commit takes so long that the stage is full."""
        self._put += 1
        self._accepted.value += 1
        room = self._capacity + (NOTICES if alert.source == "internal" else 0)
        if len(self._staged) >= room or (self._skipped and alert.source != "internal"):
            self._skipped += 1
        else:
            self._staged.append(alert)
        self._changed.set()

    async def get(self, most: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """What the spool holds behind what was given out before."""
        while True:
            committed = self._committed
            committed.clear()
            ended = self._closed and not self.waiting()  # asked first: something may be committed during the look
            taken = await self._upcoming.next(most)
            if taken:
                return taken
            if not wait or ended:
                return []
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await committed.wait()
            except TimeoutError:
                continue

    async def _read(self, after: int, most: int) -> list[tuple[int, Alert]]:
        spool = self._opened()
        return await self._worker.run(lambda: spool.read(after, most))

    async def settle(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Forget, bury, or count the attempt."""
        spool = self._opened()
        self._dead.value += len(dead)
        self._delivered += delivered
        self._buried += dead
        self._upcoming.settled((*delivered, *(number for number, _ in dead)))
        try:
            await self._worker.run(lambda: self._settle(spool, tried))
        except SpoolFull as full:
            self._log.warning("%s; what has arrived is noted later", full)

    def _settle(self, spool: Spool, tried: Sequence[int]) -> None:
        """On the spool's thread. What cannot be written now is written with the next batch."""
        if self._delivered:
            spool.settle(self._delivered)
            self._delivered = []
        if self._buried:
            spool.bury(self._buried)
            self._buried = []
        if tried:
            spool.attempted(tried)

    def take_dropped(self) -> list[DroppedRange]:
        """What did not fit."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def mark(self) -> int:
        """How many were ever put."""
        return self._put

    async def safe(self, mark: int) -> None:
        """On disk is safe."""
        while self._safe < mark:
            await self._pulse()

    async def room(self) -> None:
        """Until at most half of the stage is taken."""
        while len(self._staged) > self._capacity // 2:
            await self._pulse()

    def waiting(self) -> int:
        """Staged, or in the commit under way."""
        return len(self._staged) + self._in_commit

    def close(self) -> None:
        """The writer ends when everything is on disk."""
        self._closed = True
        self._changed.set()

    async def stop(self, reason: str) -> None:
        """Close the file; what lies in it waits for the next run."""
        left = self.waiting()
        if left:
            self._drop(left, reason)
        if self._spool is not None:
            spool, self._spool = self._spool, None
            with suppress(SpoolFull):
                await self._worker.run(lambda: self._settle(spool, ()))
            status = await self._worker.run(spool.status)
            self._metrics.counter("spool_left_records_total").value += status.waiting
            await self._worker.run(spool.close)
        self._worker.close()

    # --- the writer

    async def _write(self, spool: Spool) -> None:
        while not (self._closed and not self._staged and not self._skipped):
            if not self._staged and not self._skipped:
                self._changed.clear()
                await self._changed.wait()
                continue
            batch = [self._staged.popleft() for _ in range(min(_COMMIT, len(self._staged)))]
            self._in_commit = len(batch)
            await self._commit(spool, batch)
            self._in_commit = 0
            self._safe += len(batch)
            if self._skipped and not self._staged:
                await self._skip(spool, "its queue is full", self._take_skipped())
            self._committed.set()
        self._committed.set()

    async def _commit(self, spool: Spool, batch: list[Alert]) -> None:
        if not batch:
            return
        try:
            self._upcoming.committed(await self._worker.run(lambda: spool.append(batch)), batch)
        except SpoolFull as full:
            await self._without_room(spool, batch, str(full))

    async def _without_room(self, spool: Spool, batch: list[Alert], why: str) -> None:
        """The stated policy: the oldest make room, or the newest go."""
        if self._drop_oldest:
            first, last, count = await self._worker.run(lambda: spool.drop_oldest(len(batch)))
            if count:
                self._drop(count, "spool full")
                self._gaps.append(DroppedRange(first, last, why))
                self._upcoming.dropped(last)
                await self._commit(spool, batch)
                return
        await self._skip(spool, why, len(batch), "spool full")

    async def _skip(self, spool: Spool, why: str, count: int, reason: str = "queue full") -> None:
        self._drop(count, reason)
        try:
            first, last = await self._worker.run(lambda: spool.skip(count))
        except SpoolFull:
            self._gaps.append(DroppedRange(0, 0, f"{why}; {count} numbers could not even be written"))
            return
        self._gaps.append(DroppedRange(first, last, why))

    def _take_skipped(self) -> int:
        count, self._skipped = self._skipped, 0
        self._safe += count
        return count

    def _drop(self, count: int, reason: str) -> None:
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += count

    async def _pulse(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY):
                await self._committed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0)

    def _opened(self) -> Spool:
        if self._spool is None:
            raise RuntimeError("the spool is not open")
        return self._spool
