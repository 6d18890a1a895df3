"""The durable queue: group commits into the spool on disk, where alerts stay until the destination has acknowledged
them.

Failures of the file stay in this queue. A full disk drops alerts by policy, and their numbers are used up or owed.
While another process has locked the file, alerts wait in memory, within `queue.bytes`. A damaged file is set aside and
its readable rows are copied into a new one; a deleted file is made again. mozu's own notices have reserved space, and
are delivered before all other alerts: a notice of loss waits behind no backlog.
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
"""Most alerts in one transaction; while it is written, the next one is collected."""
_POLL_INTERVAL = 1.0
"""Seconds between two searches for alerts that another process has put back (`mozu redrive`)."""
_LOCK_PAUSE = 0.2
"""Seconds between attempts to write a file that another process has locked; each attempt waits for the lock, too."""


class DiskQueue:
    """Alert queue on disk; its counters add up as `SpoolLedger` says."""

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
        """Alerts that are in no commit yet, numbered by position (the count of alerts ever put, including itself)."""
        self._batch: list[Numbered] = []
        """Alerts of the commit under way, with their positions."""
        self._skipped = 0
        """Number of alerts dropped here whose sequence numbers are still to be used up."""
        self._put = 0
        self.drop_log = DropLog()
        self._read_ahead = ReadAhead(self._read, live_first=live_first)
        self._first: deque[Numbered] = deque()
        """Notices on disk, and alerts that the file has lost, that `get` has not returned yet; the read-ahead treats
        them as returned."""
        self._dropped, self._drops = Announcements(), DropCounter(metrics)
        self._acks = PendingAcks(
            self._file,
            on_written=self._read_ahead.acked,
            on_refused=lambda refused: self._log.warn(f"{refused}; acknowledgements are written later"),
        )
        self._added = asyncio.Event()
        self._committed = asyncio.Event()
        """Event set by the next commit, which replaces it with another."""
        self._closed = self._has_written = False
        """`_closed`: no more alerts come. `_has_written`: the writer has ended."""
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
        """Set another capacity for alerts that come from now on."""
        self._capacity = capacity
        self._uncommitted.resize(capacity)

    def shrink(self) -> int:
        """Forget alerts in memory that are also on disk; return their number."""
        return self._read_ahead.shrink()

    async def configure(self, *, max_bytes: int, fsync: bool, drop_oldest: bool, live_first: bool) -> None:
        """Use other settings for the same file."""
        self._drop_oldest, self._read_ahead.live_first = drop_oldest, live_first
        await self._file.configure(max_bytes=max_bytes, fsync=fsync)

    def put(self, alert: PackedAlert) -> None:
        """Add the alert to the next commit; if slow commits have filled the queue, drop alerts."""
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
        """Return up to `limit` (number, alert) of the spool that were not returned before."""
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
        """Read rows, on the spool's thread. Rows that cannot be decoded have become dead letters."""
        found = spool.read(after, limit)
        unreadable, spool.unreadable = spool.unreadable, []
        for number in unreadable:
            self._dropped.add(number, number, "it cannot be read back from the spool, and is a dead letter")
        return found

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Delete alerts from the spool, move them to its dead letters, or count the attempt."""
        arrived, delivered, dead = self._ledger.settled(delivered, dead)
        self._acks.add(delivered, dead)
        await self._file.announced([DroppedRange(*one, SPOOL_DAMAGED) for one in runs(arrived)])
        await self._acks.write(tried)

    def take_dropped(self) -> list[DroppedRange]:
        """Return ranges of alerts that did not fit or that a damaged file has lost."""
        return self._dropped.take(self._put)

    def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """Note that notices of these ranges were put; the file forgets the ranges once the notices are on disk."""
        self._dropped.put(self._put, ranges)

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Keep ranges whose notice was given up, so that the next run announces them if this one does not."""
        await self._file.drop_again(ranges)

    def _lose(self, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Handle numbers that the file has lost; return the ranges that are not acknowledged. Alerts still in memory
        may be delivered yet, and are lost only if the process ends."""
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
        """Return sentences on damage of the file since the last call."""
        return self._file.take_problems()

    def position(self) -> int:
        """Return the number of alerts ever put."""
        return self._put

    async def wait_persisted(self, position: int) -> None:
        """Wait until the first `position` alerts are committed or dropped."""
        while self._oldest() <= position:
            await self._next_commit()

    async def wait_capacity(self) -> None:
        """Wait until uncommitted alerts take at most half of the capacity."""
        while self._uncommitted.bytes > self._capacity // 2:
            await self._next_commit()

    def in_memory(self) -> int:
        """Return the number of alerts that are uncommitted, in the commit under way, or returned by `get` and since
        lost by the file."""
        return len(self._uncommitted) + self._ledger.undecided + len(self._ledger.at_risk)

    def waiting(self) -> int:
        """Return the number of alerts in memory and of unacknowledged alerts in the file."""
        return self.in_memory() + self._file.counts.waiting - len(self._acks)

    def close(self) -> None:
        """Accept no more alerts; the writer ends once all are on disk."""
        self._closed = True
        self._added.set()
        self._file.end_watch()

    async def stop(self, reason: str) -> int:
        """Close the file, whose alerts wait for the next run or for a sink that uses this spool again. The next user of
        the file also uses up the numbers of alerts lost here."""
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
        """Wake the tasks that wait for a commit."""
        self._committed.set()
        self._committed = asyncio.Event()

    async def _once_unlocked(self, work: Callable[[], Awaitable[T]]) -> T:
        """Repeat the work while another process has locked the file. Raises the other refusals."""
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
        """Drop alerts because the spool or its disk is full: less severe stored alerts first; then, by
        `spool.when_full`, the oldest stored alerts or the newest."""
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
        """Use up the numbers of dropped alerts; numbers that cannot be written are owed."""
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
        """Return the positions of these alerts of the commit under way."""
        return [position for position, _ in self._in_batch(alerts)]

    def _in_batch(self, alerts: Sequence[PackedAlert]) -> list[Numbered]:
        wanted = {id(alert) for alert in alerts}
        return [item for item in self._batch if id(item[1]) in wanted]

    def _oldest(self) -> int:
        """Return the first position that is neither on disk nor dropped."""
        return self._batch[0][0] if self._batch else self._uncommitted.oldest() or self._put + 1

    async def _next_commit(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._committed.wait(), _POLL_INTERVAL)


def _age(since: int | None) -> float:
    return 0.0 if since is None else max(0.0, (time.time_ns() - since) / 1e9)
