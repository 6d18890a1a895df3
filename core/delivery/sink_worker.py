"""The way of alerts into one sink: buffer, encoder, delivery, retry, and in the end the dead letters.

A delivery that raises says nothing about the single record: all wait, and are tried again with back-off. After a few
such failures the batch is tried record by record. One that fails is to blame if the next one arrives and it then fails
again; after enough attempts it becomes a dead letter. If the next one fails too the destination is down, and all wait.

Records that the sink refuses for now, one by one, are parked until they are due: they delay no others.
"""

import asyncio
import inspect
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from mozu.core.api.hookspecs import Outcome, Record, Rejected, Retry, Sink
from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.encode import Encoder
from mozu.core.delivery.route import Route
from mozu.core.errors import SinkClosed
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.worker_thread import WorkerThread
from mozu.core.model.alert import Alert, Stamp

_BATCH = 500
_SUSPICIOUS = 3
"""Failures of a whole batch after which its records are tried one by one."""
_COMPANY = 16
"""Records taken along when only a few wait: witnesses."""
_PARKED = 2_000
"""Parked records from which on no others are taken: memory is bounded."""
_LOOK_EVERY = 0.1
"""Seconds between two looks for more while some are parked."""


class RetryPolicy(msgspec.Struct, frozen=True):
    """Back-off with full jitter; `attempts` bounds those of a record that fails while others arrive."""

    first: float = 0.1
    longest: float = 30.0
    attempts: int = 10


class SinkWorker:
    """Owns everything between `accept` and the destination, so that a sink of five lines has every guarantee."""

    def __init__(
        self,
        stage: Isolated[Sink],
        encoder: Encoder,
        buffer: AlertQueue,
        *,
        agent: str,
        on_closed: Callable[[str], None],
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  frozen
        route: Route = Route(),  # noqa: B008  frozen
    ) -> None:
        self.stage, self.buffer, self.name = stage, buffer, stage.name
        self._encoder, self._agent, self._on_closed = encoder, agent, on_closed
        self._retry, self._route = retry, route
        self._worker = WorkerThread(f"mozu-{stage.name}") if stage.blocking else None
        self._delivered = stage.metrics.counter("sink_alerts_delivered_total")
        self._waiting: list[Record] = []
        """Taken from the buffer, not yet settled, and to be tried now."""
        self._parked: list[Record] = []
        """Refused for now; tried again together, in order, when they are due."""
        self._due = 0.0
        self._attempts: dict[int, int] = {}
        self._failures = 0
        """Deliveries in a row that raised."""
        self._left_because = "stop deadline"
        self._busy_since: float | None = None
        stage.metrics.gauge("sink_busy_seconds", self._busy)

    def accept(self, alert: Alert) -> None:
        """Take the alert if the route says so. Never waits."""
        if self._route.passes(alert):
            self.buffer.put(alert)

    async def start(self) -> None:
        """Start the sink. Raises what the sink raises."""
        await self._call(self.stage.component.start)

    async def run(self) -> None:
        """Deliver until the buffer is closed and empty, or the destination is gone for good."""
        try:
            await self._deliver_all()
        except SinkClosed as closed:
            self._left_because = "sink closed"
            self._on_closed(f"sink {self.name}: {closed}")

    async def _deliver_all(self) -> None:
        delay = self._retry.first
        while True:
            await self._take()
            if not self._waiting:
                return
            before = len(self._waiting)
            after = await self._attempt()
            if not self._waiting:
                delay = delay if self._parked else self._retry.first
                continue
            pause = max(after, random.uniform(0, delay))
            delay = min(delay * 2, self._retry.longest)
            is_down = len(self._waiting) == before
            if not self._failures:
                self._park(after if self._parked else pause)
            if is_down:
                await asyncio.sleep(pause)

    def _park(self, seconds: float) -> None:
        """The sink answers for each: what it refuses for now steps aside, for so long at least."""
        self._due = max(self._due, asyncio.get_running_loop().time() + seconds)
        self._parked += self._waiting
        self._waiting = []

    async def stop(self) -> None:
        """Let the sink go; what it has not acknowledged stays in the spool, or is counted as dropped."""
        left = self.buffer.waiting()
        if left:
            self.stage.log.error("sink %s: %d alerts undelivered (%s)", self.name, left, self._left_because)
        await self.buffer.stop(self._left_because)
        with self.stage.contained("stop"):
            if self._busy_since is None:
                await self._call(self.stage.component.stop)
        if self._worker is not None:
            self._worker.close()

    async def _take(self) -> None:
        """More from the buffer: a batch when nothing waits; company for a few that fail, to see who is to blame."""
        if self._parked:
            await self._take_beside_parked()
            return
        if not self._waiting:
            taken = await self.buffer.get(_BATCH)
        elif len(self._waiting) < _COMPANY:
            taken = await self.buffer.get(_COMPANY, wait=False)
        else:
            return
        self._waiting += [self._record(number, alert) for number, alert in taken]

    async def _take_beside_parked(self) -> None:
        """More from the buffer, and what is parked once it is due."""
        now = asyncio.get_running_loop().time
        while True:
            is_due = now() >= self._due
            if len(self._parked) < _PARKED and not self._waiting:
                few = is_due and len(self._parked) < _COMPANY
                taken = await self.buffer.get(_COMPANY if few else _BATCH, wait=False)
                self._waiting = [self._record(number, alert) for number, alert in taken]
            if is_due:
                self._waiting, self._parked = [*self._parked, *self._waiting], []
            if self._waiting:
                return
            await asyncio.sleep(min(_LOOK_EVERY, self._due - now()))

    def _record(self, number: int, alert: Alert) -> Record:
        stamp = Stamp(self._agent, self.name, self.buffer.epoch, number)
        return Record(alert, self._encoder.encode(alert, stamp), stamp)

    async def _attempt(self) -> float:
        """One round of deliveries; how long to wait at least before the next one."""
        if self._failures >= _SUSPICIOUS and len(self._waiting) > 1:
            return await self._one_by_one()
        outcomes = await self._deliver(self._waiting)
        if outcomes is None:
            return 0.0
        return await self._settle(self._waiting, outcomes)

    async def _one_by_one(self) -> float:
        """Find out whether a record or the destination is to blame: each alone, until nobody vouches for one."""
        after, at = 0.0, 0
        while at < len(self._waiting):
            suspect = self._waiting[at]
            outcomes = await self._deliver([suspect])
            if outcomes is None:
                if not await self._witness(at + 1):
                    return after  # the destination is down, as far as anybody can tell
                outcomes = await self._deliver([suspect]) or [Retry()]
            before = len(self._waiting)
            after = max(after, await self._settle([suspect], outcomes, others_arrive=True))
            at += len(self._waiting) == before
        self._failures = 0
        return after

    async def _witness(self, at: int) -> bool:
        """Whether the record at this place arrives where the one before it did not."""
        if at >= len(self._waiting):
            return False
        witness = self._waiting[at]
        outcomes = await self._deliver([witness])
        if outcomes is None or outcomes[0] is not None:
            return False
        await self._settle([witness], outcomes)
        return True

    async def _deliver(self, records: list[Record]) -> Sequence[Outcome] | None:
        """Outcomes, one per record; None if the delivery raised."""
        outcomes: Sequence[Outcome] | None = None
        with self.stage.contained("deliver") as attempt:
            outcomes = await self._call(lambda: self.stage.component.deliver(records))
            if outcomes is not None and len(outcomes) != len(records):
                raise ValueError(f"deliver returned {len(outcomes)} outcomes for {len(records)} records")
        if attempt.failed:
            self._failures += 1
            return None
        self._failures = 0
        return outcomes or [None] * len(records)

    async def _settle(
        self, records: Sequence[Record], outcomes: Sequence[Outcome], *, others_arrive: bool = False
    ) -> float:
        after = 0.0
        delivered: list[int] = []
        dead: list[tuple[int, str]] = []
        again: list[int] = []
        others_arrive = others_arrive or None in outcomes
        for record, outcome in zip(records, outcomes, strict=True):
            number = record.stamp.sequence
            if outcome is None:
                delivered.append(number)
            elif isinstance(outcome, Rejected):
                dead.append((number, outcome.reason))
            else:
                after = max(after, outcome.after)
                self._tried(number, dead, again, blame=others_arrive and outcome.tried)
        settled = {*delivered, *(number for number, _ in dead)}
        self._waiting = [record for record in self._waiting if record.stamp.sequence not in settled]
        for number in settled:
            self._attempts.pop(number, None)
        self._delivered.value += len(delivered)
        for number, reason in dead:
            self.stage.log.error("sink %s gives up alert number %d: %s", self.name, number, reason)
        await self.buffer.settle(delivered, dead, again)
        return after

    def _tried(self, number: int, dead: list[tuple[int, str]], again: list[int], *, blame: bool) -> None:
        attempts = self._attempts[number] = self._attempts.get(number, 0) + blame
        if attempts >= self._retry.attempts:
            dead.append((number, f"not taken in {attempts} attempts while others were"))
        else:
            again.append(number)

    def _busy(self) -> float:
        return 0.0 if self._busy_since is None else asyncio.get_running_loop().time() - self._busy_since

    async def _call(self, call: Callable[[], Any]) -> Any:
        """Run a method of the sink where it belongs: on its thread if it blocks, else on the loop."""
        self._busy_since = asyncio.get_running_loop().time()
        try:
            if self._worker is not None:
                result = await self._worker.run(call)
            else:
                result = call()
                if inspect.isawaitable(result):
                    result = await result
        except BaseException as error:
            if self._worker is None or isinstance(error, Exception):
                self._busy_since = None  # on cancellation the thread may still be in the call
            raise
        self._busy_since = None
        return result
