"""The sink worker: route, queue, encoder, delivery, retry with back-off, and in the end the dead letter.

A delivery that raises blames no single record: the whole batch is retried with back-off (exponential, full jitter).
After _ISOLATION_THRESHOLD such failures in a row its records are tried one by one. A record that fails alone is to
blame if the record after it or the newest one (the canary) is delivered and it then fails again; after `retry.attempts`
of these failures it becomes a dead letter. If the canaries fail too, the destination is down: the batch waits, there
are no dead letters, and more records are taken from the queue as canaries.

A record that the sink refuses for now, by the outcome `Retry`, is set aside until it is due and delays no others.

A reload may give the worker another sink or format (`replace`) between two deliveries: the queue, the numbers of alerts
and unacknowledged alerts stay. Or it may stop the worker (`halt`), whose alerts another one then delivers.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from mozu.core.api import Outcome, Record, Rejected, Retry, Sink
from mozu.core.api.extensions import Encoder
from mozu.core.common.backoff import Backoff
from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.delivery_end import DeliveryEnd, DeliveryGivenUp
from mozu.core.delivery.given_up import GivenUpNumbers
from mozu.core.delivery.held_heartbeat import HeldHeartbeat
from mozu.core.delivery.outcomes import checked_outcomes
from mozu.core.delivery.packed_alert import AlertPacker, PackedAlert, unpack
from mozu.core.delivery.record_encoder import RecordEncoder
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.delivery.sink_counters import SINK_CLOSED, STOP_DEADLINE
from mozu.core.delivery.sink_failure import SinkFailure
from mozu.core.errors import CannotEncode, SinkClosed
from mozu.core.isolation.deadline import STOP_SECONDS, within
from mozu.core.isolation.isolated import Isolated

_BATCH = 500
_ISOLATION_THRESHOLD = 3
"""Failures of a whole batch after which its records are tried one by one."""
_PROBE_BATCH = 16
"""Records taken from the queue while only a few are being retried: they are the canaries."""
_MAX_DELAYED = 2_000
"""Delayed retries at which no more records are taken from the queue: memory is bounded."""
_POLL_INTERVAL = 0.1
"""Seconds between two reads of the queue while retries are delayed."""


class RetryPolicy(msgspec.Struct, frozen=True):
    """Back-off with full jitter; `attempts` limits the failures of a record while others are delivered."""

    first: float = 0.1
    longest: float = 30.0
    attempts: int = 10


class SinkWorker:
    """Owner of all steps between `accept` and the destination, so that a sink of five lines has every guarantee."""

    def __init__(
        self,
        sink: Isolated[Sink],
        encoder: Encoder,
        queue: AlertQueue,
        *,
        agent: str,
        on_closed: Callable[[str], None],
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  frozen
        route: Route = Route(),  # noqa: B008  frozen
    ) -> None:
        self.queue, self.name = queue, sink.name
        self._records, self._on_closed = RecordEncoder(encoder, agent, queue), on_closed
        self._retry, self._route = retry, route
        self._backoff = Backoff(retry.first, retry.longest)
        self._caller = SinkCaller(sink)
        self._delivered = sink.metrics.counter("sink_alerts_delivered_total")
        self._failed, self.failure = sink.metrics.counter("sink_deliveries_failed_total"), SinkFailure()
        self.given_up, self.heartbeat = GivenUpNumbers(), HeldHeartbeat()
        self._pending: list[Record] = []
        """Records taken from the queue, not acknowledged, and to be tried now."""
        self._delayed: list[Record] = []
        """Records refused for now; retried together, in order, when they are due."""
        self._attempts: dict[int, int] = {}
        self._due, self._failures = 0.0, 0
        """Loop's time of the next retry of delayed records; number of deliveries in a row that raised."""
        self._undelivered_because: str = STOP_DEADLINE
        self._delivering = asyncio.Lock()
        """Held during a delivery."""
        self._limit: asyncio.Timeout | None = None
        """Timeout of the delivery under way."""
        self._changed = asyncio.Event()
        """Event that ends a pause: another sink, or the end."""
        self._halted, self._end = False, DeliveryEnd()
        self._is_over = False
        """True from `stop` on: later outcomes are ignored, and alerts that are not acknowledged count as undelivered or
        stay in the spool."""
        sink.metrics.gauge("sink_busy_seconds", lambda: self._caller.busy())

    def accept(self, alert: PackedAlert) -> None:
        """Enqueue the alert if the route passes it or fails. Never waits."""
        try:
            passes = self._route.passes(alert.form)
        except Exception as error:  # noqa: BLE001  what one alert contains stops no other
            self.sink.failed("route an alert", error)
            passes = True
        if passes:
            self.queue.put(alert)

    def put_heartbeat(self, alert: PackedAlert) -> None:
        """Enqueue a heartbeat regardless of the route."""
        self.heartbeat.put(alert)
        self.queue.put(alert)

    @property
    def caller(self) -> SinkCaller:
        """Caller of the sink's methods."""
        return self._caller

    @property
    def sink(self) -> Isolated[Sink]:
        """The sink that gets the alerts now."""
        return self._caller.sink

    @property
    def delivered(self) -> int:
        """Number of alerts that the destination has acknowledged."""
        return self._delivered.value

    async def start(self) -> None:
        """Start the sink within its time. Raises what the sink raises, and DeadlineExceeded."""
        await self._caller.start()

    async def start_another(self) -> None:
        """Build another instance of a sink that could not start, start it within its time, and deliver to it."""
        caller = SinkCaller(self.sink.with_component(await self.sink.another()))
        await caller.start()
        caller.sink.is_ready = True
        await self.replace(caller, self._records.encoder, self.sink.start_seconds)

    def configure(self, retry: RetryPolicy, route: Route) -> None:
        """Use other settings from the next alert on."""
        if retry != self._retry:
            self._retry, self._backoff = retry, Backoff(retry.first, retry.longest)
        self._route = route

    async def replace(self, caller: SinkCaller, encoder: Encoder, seconds: float) -> None:
        """Deliver to this sink, which has started, with this encoder from the next delivery on; the former sink stops.

        The delivery under way may take `seconds`; after that it is abandoned, and the new sink gets its records again.
        """
        timer = asyncio.get_running_loop().call_later(seconds, self._give_up_delivery)
        async with self._delivering:
            timer.cancel()
            before, self._caller, self._records.encoder = self._caller, caller, encoder
            for record in (*self._pending, *self._delayed):
                with suppress(CannotEncode), self.sink.contained("encode an alert again", passing=(CannotEncode,)):
                    record.body = self._records.record(self.sink, record.stamp.sequence, record.alert).body
            self._failures, self._due = 0, 0.0
            self.failure.end()
            self._changed.set()
        if caller is not before:
            await before.stop()

    def _give_up_delivery(self) -> None:
        if self._limit is not None:
            self.sink.log.warning("sink %s is replaced and its last delivery does not end: it is repeated", self.name)
            self._limit.reschedule(0.0)

    def halt(self) -> None:
        """Stop after the delivery under way: `run` ends, even if alerts wait."""
        self._halted = True
        self._changed.set()
        self.queue.close()

    def finish(self) -> None:
        """Deliver the waiting alerts and end: no more alerts come. A sink that would hold the event loop again or has
        never started gets none."""
        self._end.begin()
        if not self.sink.is_ready:
            self._changed.set()
        self.queue.close()

    def undelivered(self) -> list[PackedAlert]:
        """Return alerts taken from the queue and not acknowledged, in order. To be called after `run` has ended."""
        records = sorted((*self._pending, *self._delayed), key=lambda record: record.stamp.sequence)
        packer = AlertPacker()
        return [packer.pack(record.alert) for record in records]

    async def run(self) -> None:
        """Deliver until the queue is closed and empty, or the destination is permanently gone."""
        try:
            await self._deliver_all()
        except SinkClosed as closed:
            self._undelivered_because = SINK_CLOSED
            self._on_closed(f"sink {self.name}: {closed}")
        except DeliveryGivenUp as why:
            self._undelivered_because = str(why)

    async def _deliver_all(self) -> None:
        while True:
            await self._wait_started()
            await self._take()
            if not self._pending or self._halted:
                return
            before = len(self._pending)
            after = await self._attempt()
            if not self._pending:
                if not self._delayed:
                    self._backoff.succeeded()
                    self.failure.end()
                continue
            self.failure.begin(raised=bool(self._failures))
            pause = max(after, self._backoff.failed())
            is_down = len(self._pending) == before
            if not self._failures:
                self._delay(after if self._delayed else pause)
            if is_down and not self._halted:
                await self._pause(pause)

    async def _wait_started(self) -> None:
        """Wait until the sink has started, or `halt` was called. Raises DeliveryGivenUp at the end."""
        while not self.sink.is_ready and not self._halted:
            self._end.expect_start(self.sink)
            self._changed.clear()
            await self._changed.wait()

    async def _pause(self, seconds: float) -> None:
        """Wait for this time, or until there is another sink, which may work."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
                self._backoff.succeeded()

    def _delay(self, seconds: float) -> None:
        """Set pending records aside for at least this time; the sink has refused them with the outcome `Retry`."""
        self._due = max(self._due, asyncio.get_running_loop().time() + seconds)
        self._delayed += self._pending
        self._pending = []

    async def stop(self, because: str = "", seconds: float = STOP_SECONDS) -> int:
        """Stop the sink within this time; unacknowledged alerts stay in the spool, or are counted as dropped. Return
        the number of alerts that wait on disk."""
        self._undelivered_because = because or self._undelivered_because
        self._is_over = self._halted = True
        left = self.queue.in_memory()
        if left:
            self.sink.log.error("sink %s: %d alerts undelivered (%s)", self.name, left, self._undelivered_because)
        waiting = 0
        with self.sink.contained("close its queue"):
            waiting = await within(
                self.sink, "close its queue", seconds, lambda: self.queue.stop(self._undelivered_because)
            )
        await self._caller.stop(seconds)
        return waiting

    # --- from the queue

    async def _take(self) -> None:
        """Take a batch if no record is pending; take a probe batch beside a few failing records, to find the one to
        blame."""
        if self._delayed:
            await self._take_beside_delayed()
            return
        while not self._pending and not self._halted:
            taken = await self.queue.get(_BATCH)
            if not taken:
                return
            self._pending = await self._encode(taken)
            if self._pending:
                return
        isolating = self._failures >= _ISOLATION_THRESHOLD and len(self._pending) < _MAX_DELAYED
        if len(self._pending) < _PROBE_BATCH or isolating:
            self._pending += await self._encode(await self.queue.get(_PROBE_BATCH, wait=False))

    async def _take_beside_delayed(self) -> None:
        """Take more from the queue, and the delayed records once they are due."""
        now = asyncio.get_running_loop().time
        while not self._halted:
            is_due = now() >= self._due
            if len(self._delayed) < _MAX_DELAYED and not self._pending:
                most = _PROBE_BATCH if is_due and len(self._delayed) < _PROBE_BATCH else _BATCH
                self._pending = await self._encode(await self.queue.get(most, wait=False))
            if is_due:
                self._pending, self._delayed = [*self._delayed, *self._pending], []
            if self._pending:
                return
            await asyncio.sleep(min(_POLL_INTERVAL, self._due - now()))

    async def _encode(self, taken: Sequence[tuple[int, PackedAlert]]) -> list[Record]:
        """Return the records of alerts; one that cannot be encoded even with its values replaced becomes a dead
        letter."""
        records, dead = list[Record](), list[tuple[int, str]]()
        for number, packed in taken:
            try:
                records.append(self._records.record(self.sink, number, unpack(packed)))
            except Exception as error:  # noqa: BLE001  the encoder is broken, or is the plugin of another
                why = str(error) if isinstance(error, CannotEncode) else type(error).__name__
                dead.append((number, f"cannot be encoded: {why}"))
                self.given_up.add(number, is_notice=packed.is_notice)
        if dead:
            encoder = self._records.encoder
            await self.queue.ack((), dead, ())
            if encoder is not self._records.encoder:
                return await self._encode([item for item in taken if item[0] not in dict(dead)])
        return records

    # --- delivery and retry

    async def _attempt(self) -> float:
        """Run one round of deliveries; return the least number of seconds to wait before the next one."""
        if self._failures >= _ISOLATION_THRESHOLD and len(self._pending) > 1:
            return await self._isolate()
        outcomes = await self._deliver(self._pending)
        if outcomes is None:
            return 0.0
        return await self._apply(self._pending, outcomes)

    async def _isolate(self) -> float:
        """Find out if a record or the destination is to blame: deliver each record alone, until its canaries fail too.
        Return as `_attempt` does."""
        after, at = 0.0, 0
        while at < len(self._pending):
            suspect = self._pending[at]
            outcomes = await self._deliver([suspect])
            if outcomes is None:
                newest = max(at + 2, len(self._pending) - 1)  # the one after it may be as bad
                if not await self._canary_delivered(at + 1) and not await self._canary_delivered(newest):
                    return after  # the destination is down, as far as can be seen
                outcomes = await self._deliver([suspect]) or [Retry()]
            before = len(self._pending)
            after = max(after, await self._apply([suspect], outcomes, others_arrive=True))
            at += len(self._pending) == before
        self._failures = 0
        return after

    async def _canary_delivered(self, at: int) -> bool:
        """Return True if the record at this index is delivered."""
        if at >= len(self._pending):
            return False
        canary = self._pending[at]
        outcomes = await self._deliver([canary])
        if outcomes is None or outcomes[0] is not None:
            return False
        await self._apply([canary], outcomes)
        return True

    async def _deliver(self, records: list[Record]) -> Sequence[Outcome] | None:
        """Return one outcome per record; None if the delivery raised."""
        outcomes: Sequence[Outcome] | None = None
        await self._end.wait_suspended(self.sink)
        async with self._delivering:
            with self.sink.contained("deliver", passing=(SinkClosed,)) as attempt:
                async with asyncio.timeout(None) as self._limit:
                    given = await self._caller.call(lambda: self.sink.component.deliver(records))
                outcomes = checked_outcomes(given, len(records))
            self._limit = None
        self._failed.value += bool(attempt.failed) or any(isinstance(one, Retry) for one in outcomes or ())
        if attempt.failed:
            self._failures += 1
            return None
        self._failures = 0
        return outcomes or [None] * len(records)

    async def _apply(
        self, records: Sequence[Record], outcomes: Sequence[Outcome], *, others_arrive: bool = False
    ) -> float:
        """Acknowledge delivered records, make dead letters, keep the others pending. Return the seconds to wait before
        their retry."""
        if self._is_over:  # from a delivery that was given up, and has ended after all
            return 0.0
        delivered, tried, dead = list[int](), list[int](), list[tuple[int, str]]()
        after, others_arrive = 0.0, others_arrive or None in outcomes
        for record, outcome in zip(records, outcomes, strict=True):
            number = record.stamp.sequence
            if outcome is None:
                delivered.append(number)
            elif isinstance(outcome, Rejected):
                dead.append((number, outcome.reason))
            else:
                after = max(after, outcome.after)
                self.failure.reason = outcome.reason
                if others_arrive and outcome.tried:
                    tried.append(number)
                    self._blame(number, dead)
        done = {*delivered, *(number for number, _ in dead)}
        self.heartbeat.settle(records, done)
        self._pending = [record for record in self._pending if record.stamp.sequence not in done]
        for number in done:
            self._attempts.pop(number, None)
        self._delivered.value += len(delivered)
        for number, reason in dead:
            self.sink.log.error("sink %s gives up alert number %d: %s", self.name, number, reason)
        settled = {one.stamp.sequence: one.alert for one in records if one.stamp.sequence in done}
        await self.queue.drop_again(self.given_up.settle(settled, dict(dead), self.name))
        await self.queue.ack(delivered, dead, tried)
        return after

    def _blame(self, number: int, dead: list[tuple[int, str]]) -> None:
        """Count an attempt that failed while others arrived; the last one makes the record a dead letter."""
        attempts = self._attempts[number] = self._attempts.get(number, 0) + 1
        if attempts >= self._retry.attempts:
            dead.append((number, f"not taken in {attempts} attempts while others were"))
