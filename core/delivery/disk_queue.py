"""The durable queue: group commits into the spool on disk, where alerts stay until the destination has them.

What goes wrong with the file stays in this queue. A full disk drops alerts by policy, and their numbers are used up or
owed. A damaged file is set aside and its readable rows go on in a new one; so is a file that was deleted. mozu's own
notices use room that is kept for them, and go out before everything else: a notice of loss waits behind no backlog.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from mozu.core.common.thread_pool import WorkerThread
from mozu.core.delivery.alert_queue import DISPLACED, QUEUE_FULL, DroppedNumbers, DroppedRange
from mozu.core.delivery.drop_log import DropLog
from mozu.core.delivery.fair_queue import DropCounter, FairQueue, Numbered, priority_of
from mozu.core.delivery.read_ahead import ReadAhead
from mozu.core.delivery.spool import OwedNumbers, Spool, SpoolFull, SpoolUnusable
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity

T = TypeVar("T")

_GROUP_COMMIT = 2_000
"""Alerts in one transaction at most; while it is written the next one gathers."""
_POLL_INTERVAL = 1.0
"""Seconds between two looks for alerts that another process put back (`mozu redrive`), and at the file's place."""
_REMEMBERED = 100
"""Commits of which the positions are kept."""


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
        self._owed: OwedNumbers | None = None
        self._uncommitted = FairQueue(capacity)
        """By position: how many were put before, and itself."""
        self._batch: list[Numbered] = []
        """In the commit under way."""
        self._skipped = 0
        """Numbers still to be used up, for alerts that this queue has dropped."""
        self._put = 0
        self.drop_log = DropLog()
        self._stored: deque[tuple[int, list[int]]] = deque(maxlen=_REMEMBERED)
        """Of the newest commits: the first number, and the position of each alert. Kept where newer alerts may displace
        those of a request that waits for its response."""
        self._read_ahead = ReadAhead(self._read, live_first=live_first)
        self._notices: deque[tuple[int, Alert]] = deque()
        """Notices on disk that were not given out yet."""
        self._dropped = DroppedNumbers()
        self._drops = DropCounter(metrics)
        self._problems: list[str] = []
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
        self._owed = await self._thread.run(lambda: OwedNumbers(self._path))
        status = await self._thread.run(spool.status)
        self.epoch = status.epoch
        self._metrics.counter("spool_found_records_total").value += status.waiting
        self._metrics.gauge("spool_bytes", lambda: float(spool.size))
        self._notices.extend(await self._on_file(spool, spool.notices, default=[]))
        self._read_ahead.given(number for number, _ in self._notices)
        self._spawn(self._write(spool), f"spool {self._path.stem}")
        self._spawn(self._watch_file(spool), f"spool {self._path.stem} in place")
        return "" if spool.damage is None else str(spool.damage)

    def resize(self, capacity: int) -> None:
        """For what comes from now on."""
        self._capacity = capacity
        self._uncommitted.resize(capacity)

    async def configure(self, *, max_bytes: int, fsync: bool, drop_oldest: bool, live_first: bool) -> None:
        """Other settings of the same file."""
        self._drop_oldest, self._read_ahead.live_first = drop_oldest, live_first
        spool = self._opened()
        await self._on_file(spool, lambda: spool.configure(max_bytes=max_bytes, fsync=fsync), default=None)

    def put(self, alert: Alert) -> None:
        """Take the alert for the next commit; if commits take so long that the queue is full, one is dropped."""
        self._put += 1
        self._accepted.value += 1
        victim = self._uncommitted.put(self._put, alert)
        if victim is not None:
            self._skipped += 1
            self._drops.count(victim[1], QUEUE_FULL)
            self.drop_log.add(victim[0], victim[0], QUEUE_FULL)
        self._added.set()

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, Alert]]:
        """What the spool holds after the last one that was given out."""
        while True:
            committed = self._committed
            committed.clear()
            ended = self._closed and not self.in_memory()  # asked first: something may be committed during the read
            taken = [self._notices.popleft() for _ in range(min(limit, len(self._notices)))]
            if len(taken) < limit:
                taken += await self._read_ahead.next(limit - len(taken))
            if taken:
                return taken
            if not wait or ended:
                return []
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL):
                    await committed.wait()

    async def _read(self, after: int, limit: int) -> list[tuple[int, Alert]]:
        spool = self._opened()
        return await self._on_file(spool, lambda: spool.read(after, limit), default=[])

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Delete from the spool, move to its dead letters, or count the attempt."""
        spool = self._opened()
        self._dead_lettered.value += len(dead)
        self._to_delete += delivered
        self._to_dead_letter += dead
        self._read_ahead.acked((*delivered, *(number for number, _ in dead)))
        try:
            await self._on_file(spool, lambda: self._write_acks(spool, tried), default=None)
        except SpoolFull as full:
            self._log.warning("%s; acknowledgements are written later", full)

    def _write_acks(self, spool: Spool, tried: Sequence[int]) -> None:
        """On the spool's thread. What cannot be written now is written with the next batch."""
        if self._to_delete:
            spool.delete(self._to_delete)
            self._to_delete = []
        if tried:
            spool.count_attempt(tried)
        if self._to_dead_letter:
            spool.dead_letter(self._to_dead_letter)
            self._to_dead_letter = []

    def take_dropped(self) -> list[DroppedRange]:
        """What did not fit."""
        return self._dropped.take()

    def take_problems(self) -> list[str]:
        """Damage of the file that was met while running."""
        problems, self._problems = self._problems, []
        return problems

    def position(self) -> int:
        """How many were ever put."""
        return self._put

    async def wait_persisted(self, position: int) -> None:
        """Until they are committed."""
        while self._oldest() <= position:
            await self._next_commit()

    async def wait_capacity(self) -> None:
        """Until at most half of the capacity is taken by uncommitted alerts."""
        while len(self._uncommitted) > self._capacity // 2:
            await self._next_commit()

    def in_memory(self) -> int:
        """Uncommitted, or in the commit under way."""
        return len(self._uncommitted) + len(self._batch)

    def close(self) -> None:
        """The writer ends when everything is on disk."""
        self._closed = True
        self._added.set()

    async def stop(self, reason: str) -> int:
        """Close the file; what lies in it waits for the next run, or for a sink that has this spool again."""
        waiting = 0
        if self.in_memory():
            self._count_dropped(self.in_memory(), reason)
        if self._spool is not None:
            spool, self._spool = self._spool, None
            with suppress(SpoolFull, SpoolUnusable):
                await self._on_file(spool, lambda: self._write_acks(spool, ()), default=None)
                status = await self._on_file(spool, spool.status, default=None)
                waiting = 0 if status is None else status.waiting
            self._metrics.counter("spool_left_records_total").value += waiting
            with suppress(sqlite3.Error):
                await self._thread.run(spool.close)
        if self._owed is not None:
            owed, self._owed = self._owed, None
            await self._thread.run(owed.close)
        self._thread.close()
        return waiting

    # --- the file

    async def _on_file(self, spool: Spool, work: Callable[[], T], *, default: T) -> T:
        """Run this on the spool's thread. A damaged file is set aside, and the work tried once more in the new one.

        Raises SpoolFull. Where not even a new file can be made the problem is reported, and `default` given.
        """
        for is_last in (False, True):
            try:
                return await self._thread.run(work)
            except sqlite3.Error as error:
                if is_last or not await self._rebuild(spool, str(error)):
                    return default
        return default

    async def _rebuild(self, spool: Spool, why: str) -> bool:
        try:
            damage = await self._thread.run(spool.rebuild)
        except SpoolUnusable as unusable:
            self._report(f"{why}; {unusable}")
            return False
        self._report(f"{why}; {damage}")
        return True

    def _report(self, problem: str) -> None:
        self._log.error("%s", problem)
        if problem not in self._problems:
            self._problems.append(problem)

    async def _watch_file(self, spool: Spool) -> None:
        """A file that was deleted or moved away is made anew, with all that the open one holds."""
        while not self._closed and self._spool is spool:
            await asyncio.sleep(_POLL_INTERVAL)
            if self._spool is spool and not await self._thread.run(spool.is_in_place):
                await self._rebuild(spool, f"{self._path} is not in its place any more")

    # --- the writer

    async def _write(self, spool: Spool) -> None:
        while not (self._closed and not self._uncommitted and not self._skipped):
            if not self._uncommitted and not self._skipped:
                self._added.clear()
                await self._added.wait()
                continue
            self._batch = self._uncommitted.take(_GROUP_COMMIT)
            batch = [alert for _, alert in self._batch]
            if await self._pay_owed(spool):
                await self._commit(spool, batch)
            else:
                await self._drop(spool, self._opened_owed().reason, batch)
            self._batch = []
            skipped, self._skipped = self._skipped, 0
            await self._skip(spool, "its queue is full", skipped)
            self._committed.set()
        self._committed.set()

    async def _pay_owed(self, spool: Spool) -> bool:
        """Use up the numbers that are owed; whether none is owed any more."""
        owed = self._opened_owed()
        if not owed.count:
            return True
        try:
            numbers = await self._on_file(spool, lambda: spool.skip(owed.count), default=None)
        except SpoolFull:
            return False
        if numbers is None:
            return False
        self._dropped.add(*numbers, owed.reason)
        await self._thread.run(owed.paid)
        return True

    async def _commit(self, spool: Spool, batch: list[Alert]) -> None:
        if not batch:
            return
        try:
            last = await self._on_file(spool, lambda: spool.append(batch), default=0)
        except SpoolFull as full:
            notices = [alert for alert in batch if alert.source == "internal"]
            if notices and len(notices) < len(batch):
                await self._commit(spool, notices)
                batch = [alert for alert in batch if alert.source != "internal"]
            await self._drop_by_policy(spool, batch, str(full))
            return
        if not last:
            await self._drop(spool, f"spool {self._path} cannot be written", batch, "spool unusable")
            return
        self._read_ahead.committed(last, batch)
        first = last - len(batch) + 1
        self._stored.append((first, self._positions(batch)))
        own = [(first + at, alert) for at, alert in enumerate(batch) if alert.source == "internal"]
        self._notices.extend(own)
        self._read_ahead.given(number for number, _ in own)

    async def _drop_by_policy(self, spool: Spool, batch: list[Alert], why: str) -> None:
        """The spool or its disk is full: what is less severe makes room first; then, as `spool.when_full` says, the
        oldest make room, or the newest are dropped."""
        worst = min((priority_of(alert) for alert in batch), default=Severity.EMERGENCY)
        rest = [alert for alert in batch if priority_of(alert) != worst]
        if rest:
            await self._commit(spool, [alert for alert in batch if priority_of(alert) == worst])
            await self._commit(spool, rest)
            return
        given = self._read_ahead.settle()
        ranges: list[tuple[int, int]] = []
        with suppress(SpoolFull):
            ranges = await self._on_file(spool, lambda: spool.drop_less_severe(worst, len(batch), *given), default=[])
            if not ranges and self._drop_oldest:
                ranges = await self._on_file(spool, lambda: spool.drop_oldest(len(batch), *given), default=[])
                self._read_ahead.dropped(ranges[-1][1] if ranges else 0)
        for first, last in ranges:
            self._count_dropped(last - first + 1, "spool full")
            self._dropped.add(first, last, why)
            self._log_displaced(first, last)
        await (self._commit(spool, batch) if ranges else self._drop(spool, why, batch))

    async def _drop(self, spool: Spool, why: str, alerts: Sequence[Alert], reason: str = "spool full") -> None:
        """Count alerts that were never in the file, and use up their numbers."""
        for alert in alerts:
            self._drops.count(alert, reason)
        for position in self._positions(alerts):
            self.drop_log.add(position, position, reason)
        await self._skip(spool, why, len(alerts))

    async def _skip(self, spool: Spool, why: str, count: int) -> None:
        """Use up the numbers of dropped alerts; where they cannot be written they are owed."""
        if not count:
            return
        numbers = None
        if await self._pay_owed(spool):
            with suppress(SpoolFull):
                numbers = await self._on_file(spool, lambda: spool.skip(count), default=None)
        if numbers is None:
            owed = self._opened_owed()
            await self._thread.run(lambda: owed.add(count, why))
        else:
            self._dropped.add(*numbers, why)

    def _positions(self, alerts: Sequence[Alert]) -> list[int]:
        """Where these alerts of the commit under way were put."""
        wanted = {id(alert) for alert in alerts}
        return [position for position, alert in self._batch if id(alert) in wanted]

    def _log_displaced(self, first: int, last: int) -> None:
        for number, positions in self._stored:
            displaced = positions[max(0, first - number) : max(0, last - number + 1)]
            if displaced:
                self.drop_log.add(displaced[0], displaced[-1], DISPLACED, can_retry=False)

    def _oldest(self) -> int:
        """The first position that is neither on disk nor dropped."""
        return self._batch[0][0] if self._batch else self._uncommitted.oldest() or self._put + 1

    def _count_dropped(self, count: int, reason: str) -> None:
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += count

    async def _next_commit(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_INTERVAL):
                await self._committed.wait()
        await asyncio.sleep(0)

    def _opened(self) -> Spool:
        if self._spool is None:
            raise RuntimeError("the spool is not open")
        return self._spool

    def _opened_owed(self) -> OwedNumbers:
        if self._owed is None:
            raise RuntimeError("the spool is not open")
        return self._owed
