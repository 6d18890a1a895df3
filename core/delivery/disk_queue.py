"""The durable queue: group commits into the spool on disk, where alerts stay until the destination has them.

What goes wrong with the file stays in this queue. A full disk drops alerts by policy, and their numbers are used up or
owed. While another process holds the file's lock, alerts wait in memory, within `queue.bytes`. A damaged file is set
aside and its readable rows go on in a new one; so is a file that was deleted. mozu's own notices use room that is kept
for them, and go out before everything else: a notice of loss waits behind no backlog.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from mozu.core.common.log_dedup import LogDeduper
from mozu.core.delivery.alert_queue import DISPLACED, QUEUE_FULL, SPOOL_DAMAGED, DroppedRange
from mozu.core.delivery.announcements import Announcements
from mozu.core.delivery.drop_counter import DropCounter
from mozu.core.delivery.drop_log import DropLog
from mozu.core.delivery.fair_queue import FairQueue, Numbered
from mozu.core.delivery.packed_alert import PackedAlert, size_of
from mozu.core.delivery.pending_acks import PendingAcks
from mozu.core.delivery.read_ahead import ReadAhead
from mozu.core.delivery.spool import Spool, SpoolFull, SpoolLocked, SpoolRefused, StoredAlert, runs
from mozu.core.delivery.spool_file import SpoolFile
from mozu.core.delivery.spool_ledger import SpoolLedger
from mozu.core.metrics import Metrics

T = TypeVar("T")

_GROUP_COMMIT = 2_000
"""Alerts in one transaction at most; while it is written the next one gathers."""
_POLL_INTERVAL = 1.0
"""Seconds between two looks for alerts that another process put back (`mozu redrive`)."""
_LOCK_PAUSE = 0.2
"""Seconds until the next attempt to write a file that another process has locked; each waits for the lock, too."""


class DiskQueue:
    """Its numbers add up as `SpoolLedger` says."""

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
        self._capacity, self._metrics, self._drop_oldest = capacity, metrics, drop_oldest
        self._spawn, self._name = spawn, path.stem
        self._log = LogDeduper(logging.getLogger("mozu.spool"))
        self._ledger = SpoolLedger(metrics)
        counted = self._ledger.changed
        self._file = SpoolFile(path, max_bytes=max_bytes, fsync=fsync, on_lost=self._lose, on_counted=counted)
        self._uncommitted = FairQueue(capacity)
        """By position: how many were put before, and itself."""
        self._batch: list[Numbered] = []
        """In the commit under way."""
        self._skipped = 0
        """Numbers still to be used up, for alerts that this queue has dropped."""
        self._put = 0
        self.drop_log = DropLog()
        self._read_ahead = ReadAhead(self._read, live_first=live_first)
        self._first: deque[Numbered] = deque()
        """Notices on disk, and alerts that the file has lost, that were not given out yet; the read-ahead holds them as
        given."""
        self._dropped, self._drops = Announcements(), DropCounter(metrics)
        self._acks = PendingAcks(
            self._file,
            on_written=self._read_ahead.acked,
            on_refused=lambda refused: self._log.warn(f"{refused}; acknowledgements are written later"),
        )
        self._added = asyncio.Event()
        self._committed = asyncio.Event()
        """Set by the next commit, which puts another in its place."""
        self._closed = self._has_written = False
        """The latter: the writer has ended."""
        self.epoch = ""
        metrics.gauge("sink_queue_records", self.in_memory)
        metrics.gauge("sink_queue_bytes", lambda: self._uncommitted.bytes)
        self._forget_waiting = metrics.summed_gauge("sink_alerts_waiting", self.waiting)

    async def open(self) -> str:
        """Open the file, and count what an earlier run left in it. Raises SpoolUnusable."""
        spool = await self._file.open()
        self.epoch = spool.epoch
        self._ledger.found(self._file.counts.waiting, 0 if spool.damage is None else spool.damage.lost_alerts)
        with suppress(SpoolRefused):
            self._first.extend(await self._file.run(Spool.notices))
            for left in await self._file.run(Spool.unannounced):
                self._dropped.add(*left)
        self._metrics.gauge("spool_bytes", lambda: float(spool.size))
        self._metrics.gauge("spool_dead_letters", lambda: float(self._file.counts.dead))
        self._metrics.gauge("spool_oldest_seconds", lambda: _age(spool.oldest))
        self._read_ahead.given(number for number, _ in self._first)
        self._spawn(self._write(), f"spool {self._name}")
        self._spawn(self._file.watch(), f"spool {self._name} in place")
        return "" if spool.damage is None else str(spool.damage)

    def resize(self, capacity: int) -> None:
        """For what comes from now on."""
        self._capacity = capacity
        self._uncommitted.resize(capacity)

    def shrink(self) -> int:
        """Forget the alerts that are on disk as well; how many."""
        return self._read_ahead.shrink()

    async def configure(self, *, max_bytes: int, fsync: bool, drop_oldest: bool, live_first: bool) -> None:
        """Other settings of the same file."""
        self._drop_oldest, self._read_ahead.live_first = drop_oldest, live_first
        await self._file.configure(max_bytes=max_bytes, fsync=fsync)

    def put(self, alert: PackedAlert) -> None:
        """Take the alert for the next commit; if commits take so long that the queue is full, some are dropped."""
        self._put += 1
        self._ledger.accepted.value += 1
        if self._has_written and self._file.is_open:  # a notice of what went wrong during the stop
            self._has_written = False
            self._spawn(self._write(), f"spool {self._name}")
        victims = self._uncommitted.put(self._put, alert)
        for position, victim in victims:
            self._skipped += 1
            self._drops.count(victim.form, QUEUE_FULL)
            self.drop_log.add(position, position, QUEUE_FULL)
        self._dropped.not_stored(victims)
        self._added.set()

    async def get(self, limit: int, *, wait: bool = True) -> list[Numbered]:
        """What the spool holds after the last one that was given out."""
        while True:
            committed = self._committed
            ended = self._closed and not self.in_memory()  # asked first: something may be committed during the read
            taken = [self._first.popleft() for _ in range(min(limit, len(self._first)))]
            if len(taken) < limit:
                taken += await self._read_ahead.next(limit - len(taken))
            if taken:
                return taken
            if self._acks:
                await self._acks.write()
            if not wait or ended:
                return []
            with suppress(TimeoutError):
                await asyncio.wait_for(committed.wait(), _POLL_INTERVAL)

    async def _read(self, after: int, limit: int) -> list[Numbered] | None:
        try:
            return await self._file.run(lambda spool: self._read_rows(spool, after, limit))
        except SpoolRefused as refused:
            self._log.warn(f"{refused}; it is read later")
            return None

    def _read_rows(self, spool: Spool, after: int, limit: int) -> list[Numbered]:
        """On the spool's thread. Rows that cannot be read back have become dead letters."""
        found = spool.read(after, limit)
        unreadable, spool.unreadable = spool.unreadable, []
        for number in unreadable:
            self._dropped.add(number, number, "it cannot be read back from the spool, and is a dead letter")
        return found

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Delete from the spool, move to its dead letters, or count the attempt."""
        arrived, delivered, dead = self._ledger.settled(delivered, dead)
        self._acks.add(delivered, dead)
        await self._file.announced([DroppedRange(*one, SPOOL_DAMAGED) for one in runs(arrived)])
        await self._acks.write(tried)

    def take_dropped(self) -> list[DroppedRange]:
        """What did not fit, and what a damaged file did not give back."""
        return self._dropped.take(self._put)

    def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """The file forgets them once the notices are on disk."""
        self._dropped.put(self._put, ranges)

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Keep ranges whose notice was given up: the next run announces them if this one does not."""
        await self._file.drop_again(ranges)

    def _lose(self, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """The file has lost these; the ranges of those that are not acknowledged. Those in memory may be delivered yet,
        and are lost only with the process."""
        gone = {number for first, last in ranges for number in range(first, last + 1)}
        gone -= self._acks.lose(gone)
        held = {number for number in gone if self._read_ahead.holds(number)}
        self._ledger.at_risk |= held
        self._first.extend(self._read_ahead.rescue(held))
        self._ledger.damaged(len(gone - held))
        for first, last in runs(gone - held):
            self._dropped.add(first, last, SPOOL_DAMAGED)
        return runs(gone)

    def take_problems(self) -> list[str]:
        """Damage of the file that was met while running."""
        return self._file.take_problems()

    def position(self) -> int:
        """How many were ever put."""
        return self._put

    async def wait_persisted(self, position: int) -> None:
        """Until they are committed."""
        while self._oldest() <= position:
            await self._next_commit()

    async def wait_capacity(self) -> None:
        """Until at most half of the capacity is taken by uncommitted alerts."""
        while self._uncommitted.bytes > self._capacity // 2:
            await self._next_commit()

    def in_memory(self) -> int:
        """Alerts that are uncommitted or in the commit under way, or that the file has lost since they were given
        out."""
        return len(self._uncommitted) + self._ledger.undecided + len(self._ledger.at_risk)

    def waiting(self) -> int:
        """Alerts in memory, and alerts in the file that are not acknowledged."""
        return self.in_memory() + self._file.counts.waiting - len(self._acks)

    def close(self) -> None:
        """The writer ends when everything is on disk."""
        self._closed = True
        self._added.set()
        self._file.end_watch()

    async def stop(self, reason: str) -> int:
        """Close the file; what lies in it waits for the next run, or for a sink that has this spool again. The next one
        that uses it also uses up the numbers of what is lost here."""
        if self._file.is_open:
            await self._acks.write()
            with suppress(SpoolRefused):
                await self._file.run(Spool.look)
        waiting, lost = self._file.counts.waiting - len(self._acks), len(self._uncommitted) + self._ledger.undecided
        self._ledger.stopped(waiting, lost, reason)
        self._uncommitted.clear()
        self._forget_waiting()
        if lost:
            await self._file.owe(lost, reason)
        await self._file.close()
        return waiting

    # --- the writer

    async def _write(self) -> None:
        while not (self._closed and not self._uncommitted and not self._skipped):
            if not self._uncommitted and not self._skipped:
                self._added.clear()
                await self._added.wait()
                continue
            self._batch = self._uncommitted.take(_GROUP_COMMIT)
            self._ledger.undecided = len(self._batch)
            batch = [alert for _, alert in self._batch]
            try:
                await self._once_unlocked(self._pay_owed)
            except SpoolRefused as refused:
                await self._drop(refused, batch)
            else:
                await self._commit(batch)
            self._batch = []
            skipped, self._skipped = self._skipped, 0
            await self._skip("its queue is full", skipped)
            await self._file.announced(self._dropped.heard(self._oldest()))
            self._wake()
        self._has_written = True
        self._wake()

    def _wake(self) -> None:
        """Who waits for a commit."""
        self._committed.set()
        self._committed = asyncio.Event()

    async def _once_unlocked(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try again as long as another process has locked the file. Raises the other refusals."""
        while True:
            try:
                done = await work()
            except SpoolLocked as locked:
                self._log.failing(f"{locked}; alerts wait in memory")
                await asyncio.sleep(_LOCK_PAUSE)
            else:
                self._log.recovered()
                return done

    async def _pay_owed(self) -> None:
        """Use up the numbers that are owed. Raises SpoolRefused."""
        paid = await self._file.pay_owed()
        if paid is not None:
            self._dropped.add(paid.first, paid.last, paid.reason)

    async def _commit(self, batch: list[PackedAlert]) -> None:
        if not batch:
            return
        try:
            last = await self._once_unlocked(lambda: self._file.run(lambda spool: spool.append(batch)))
        except SpoolFull as full:
            notices = [alert for alert in batch if alert.is_notice]
            if notices and len(notices) < len(batch):
                await self._commit(notices)
                batch = [alert for alert in batch if not alert.is_notice]
            await self._drop_by_policy(batch, full)
            return
        except SpoolRefused as refused:
            await self._drop(refused, batch)
            return
        self._file.note(None)
        self._dropped.stored()
        self._read_ahead.committed(last, batch)
        first = last - len(batch) + 1
        self.drop_log.stored(first, self._positions(batch))
        own = [(first + at, alert) for at, alert in enumerate(batch) if alert.is_notice]
        self._first.extend(own)
        self._read_ahead.given(number for number, _ in own)

    async def _drop_by_policy(self, batch: list[PackedAlert], full: SpoolFull) -> None:
        """The spool or its disk is full: what is less severe makes room first; then, as `spool.when_full` says, the
        oldest make room, or the newest are dropped."""
        worst = min(alert.form.priority for alert in batch)
        rest = [alert for alert in batch if alert.form.priority != worst]
        if rest:
            await self._commit([alert for alert in batch if alert.form.priority == worst])
            await self._commit(rest)
            return
        given, refused, why = self._read_ahead.settle(), frozenset[int](), str(full)
        oldest, gone = list[tuple[int, int]](), list[StoredAlert]()
        with suppress(SpoolRefused):
            gone = await self._file.run(lambda spool: spool.drop_less_severe(why, worst, size_of(batch), *given))
            if not gone and self._drop_oldest:
                oldest = await self._file.run(lambda spool: spool.drop_oldest(why, len(batch), *given))
            if not (gone or oldest):
                gone, refused = await self._file.run(lambda spool: spool.displace(why, batch, *given))
        self._count_displaced(gone, oldest, full)
        if not (gone or oldest) and len(refused) in (0, len(batch)):
            await self._drop(full, batch)
            return
        await self._drop(full, [batch[place] for place in sorted(refused)])
        await self._commit([alert for place, alert in enumerate(batch) if place not in refused])

    def _count_displaced(self, gone: Sequence[StoredAlert], oldest: Sequence[tuple[int, int]], full: SpoolFull) -> None:
        for stored in gone:
            self._drops.count(stored.alert.form, full.reason)
        self._ledger.dropped(sum(last - first + 1 for first, last in oldest), full.reason)
        for first, last in (*runs(stored.number for stored in gone), *oldest):
            self._dropped.add(first, last, str(full))
            self.drop_log.add_displaced(first, last, DISPLACED)

    async def _drop(self, refused: SpoolRefused, alerts: Sequence[PackedAlert]) -> None:
        """Count alerts that were never in the file, and use up their numbers."""
        self._file.note(refused)
        self._ledger.undecided -= len(alerts)
        for alert in alerts:
            self._drops.count(alert.form, refused.reason)
        for position in self._positions(alerts):
            self.drop_log.add(position, position, refused.reason)
        self._dropped.not_stored(self._in_batch(alerts))
        await self._skip(str(refused), len(alerts))

    async def _skip(self, why: str, count: int) -> None:
        """Use up the numbers of dropped alerts; where they cannot be written they are owed."""
        if not count:
            return
        try:
            await self._pay_owed()
            numbers = await self._file.run(lambda spool: spool.skip(count, why))
        except SpoolRefused:
            await self._file.owe(count, why)
        else:
            self._dropped.add(*numbers, why)

    def _positions(self, alerts: Sequence[PackedAlert]) -> list[int]:
        """Where these alerts of the commit under way were put."""
        return [position for position, _ in self._in_batch(alerts)]

    def _in_batch(self, alerts: Sequence[PackedAlert]) -> list[Numbered]:
        wanted = {id(alert) for alert in alerts}
        return [item for item in self._batch if id(item[1]) in wanted]

    def _oldest(self) -> int:
        """The first position that is neither on disk nor dropped."""
        return self._batch[0][0] if self._batch else self._uncommitted.oldest() or self._put + 1

    async def _next_commit(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._committed.wait(), _POLL_INTERVAL)


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0.0, (time.time_ns() - since) / 1e9)
