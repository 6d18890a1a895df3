"""The source `kafka`: polls batches, and commits the offsets behind a batch once its alerts are safe."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import IllegalStateError, KafkaError

from mozu.core.api import AcksBatches, Alert, ConfigError, Context, Counts, Demand, Event, HasOrigin
from mozu.core.common.backoff import Backoff
from mozu.core.common.k8s_audit.decoder import EVENT_SOURCE, AuditEventDecoder
from mozu.core.common.kafka.client import client_arguments
from mozu.core.common.kafka.client_log import KafkaClientLog
from mozu.core.common.kafka.compatibility import require_compatible
from mozu.plugins.sources.kafka.consumer import join, leave
from mozu.plugins.sources.kafka.dead_letters import DeadLetterStore, NotKept
from mozu.plugins.sources.kafka.record import InvalidRecord, KafkaRecordDecoder
from mozu.plugins.sources.kafka.record_number import RecordNumbers
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_RECONNECT_BACKOFF: Final = (0.2, 30.0)
"""First and longest seconds between two connections, with full jitter."""
_POLL_TIMEOUT_MS: Final = 300
"""Milliseconds that a poll waits for records; a stop is noticed after them."""
_MAX_AUDIT_BYTES: Final = 16 << 20
"""Most bytes of a compressed record of audit events, unpacked."""
_REVOKE_TIMEOUT: Final = 20.0
"""Seconds for which a rebalance waits until the batch in flight is committed."""

Item = Event | Alert


def build(settings: KafkaSourceSettings, context: Context) -> "KafkaSource":
    """Build the source. Raises ConfigError if a certificate or the installed aiokafka cannot be used."""
    try:
        require_compatible()
        client_arguments(settings)
    except ValueError as error:
        raise ConfigError([f"source {context.id}: {error}"]) from None
    return KafkaSource(settings, context)


class KafkaSource(AcksBatches, HasOrigin):
    """Source with one batch in flight at a time, whose offsets are committed when the core calls `ack`."""

    def __init__(self, settings: KafkaSourceSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._client_log = KafkaClientLog(context.log, context.metrics)
        numbers = RecordNumbers(settings.topics)
        is_audit = settings.event_source == EVENT_SOURCE
        audit = AuditEventDecoder(context.metrics, _MAX_AUDIT_BYTES) if is_audit else None
        self._origin = EVENT_SOURCE if is_audit else numbers.origin
        self._decoder = KafkaRecordDecoder(
            numbers, event_source=settings.event_source, alerts=settings.alerts, audit=audit
        )
        self._dead_letters = DeadLetterStore(settings, self._client_log, context.metrics)
        self._consumer: Any = None
        self._stopping, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._in_flight: tuple[Sequence[Item], dict[Any, int]] | None = None
        """The unacknowledged batch, and the offsets behind it."""
        self._committed: dict[Any, int] = {}
        """Offset that was committed last, by partition."""
        self._received = 0
        self._failed_commits = context.metrics.counter("kafka_commits_failed_total")
        self._empty = context.metrics.counter("kafka_records_empty_total")
        context.metrics.gauge("kafka_lag_records", self._lag)
        context.metrics.gauge("kafka_partitions", lambda: float(len(self._assigned())))

    @property
    def origin(self) -> str:
        """The topics, in which numbers of records are unique, or the name under which hashes of audit events are."""
        return self._origin

    async def start(self, demand: Demand) -> None:
        """Do nothing: `batches` waits for absent brokers."""

    async def batches(self) -> AsyncIterator[Sequence[Item]]:
        """Yield batches of records, in order within each partition."""
        backoff = Backoff(*_RECONNECT_BACKOFF)
        try:
            while not self._stopping.is_set():
                try:
                    async for batch in self._connection():
                        backoff.succeeded()
                        yield batch
                except (KafkaError, OSError, TimeoutError, NotKept) as error:
                    reason = str(error) if isinstance(error, NotKept) else self._client_log.reason_or(error)
                    servers = ", ".join(self._settings.bootstrap_servers)
                    self._client_log.failing(f"cannot read from Kafka ({servers}): {reason}")
                    await self._sleep(backoff.failed())
        finally:
            await self._close()
            await self._dead_letters.close()

    async def ack(self, batch: Sequence[object]) -> None:
        """Commit: every alert of this batch is spooled, delivered, dropped by policy, or a dead letter."""
        if self._in_flight is None or self._in_flight[0] is not batch:
            return
        offsets = self._in_flight[1]
        self._in_flight = None
        try:
            await self._commit(offsets)
        finally:
            self._idle.set()

    async def update(self, demand: Demand) -> None:
        """Do nothing: records are complete for any demand."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the number of records read; dead letters have a counter of their own."""
        return {"pluginevent": Counts(seen=self._received, missed=0, received=self._received)}

    async def stop(self) -> None:
        """Stop reading; the batch in flight is still committed."""
        self._stopping.set()

    # --- one connection

    async def _connection(self) -> AsyncIterator[Sequence[Item]]:
        """Yield batches until the source stops or the consumer fails."""
        try:
            with self._client_log.attributed():
                self._consumer = await join(self._settings, self._before_revoke)
            while not self._stopping.is_set():
                batch = await self._next_batch()
                if batch is not None:
                    yield batch
        finally:
            await self._close()

    async def _next_batch(self) -> Sequence[Item] | None:
        polled = await self._poll()
        records = [record for of_partition in polled.values() for record in of_partition]
        if not records:
            return None
        batch, dead = self._decode(records)
        if dead:
            await self._dead_letters.keep(dead)
        self._client_log.recovered()
        self._received += len(batch)
        offsets = {partition: of_it[-1].offset + 1 for partition, of_it in polled.items() if of_it}
        self._in_flight = batch, offsets
        self._idle.clear()
        return batch

    async def _poll(self) -> dict[Any, list[Any]]:
        """Return records by partition; empty after a stop. Raises TimeoutError if the client only reports errors."""
        loop = asyncio.get_running_loop()
        complains_since: float | None = None
        while not self._stopping.is_set():
            found: dict[Any, list[Any]] = await self._consumer.getmany(
                timeout_ms=_POLL_TIMEOUT_MS, max_records=self._settings.batch_records
            )
            if any(found.values()):
                return found
            if not self._client_log.reason:
                complains_since = None
            elif complains_since is None:
                complains_since = loop.time()
            elif loop.time() - complains_since > self._settings.rebuild_after:
                raise TimeoutError(f"no records for {self._settings.rebuild_after:.0f} s")
        return {}

    def _decode(self, records: Sequence[Any]) -> tuple[list[Item], list[tuple[Any, str]]]:
        batch: list[Item] = []
        dead: list[tuple[Any, str]] = []
        for record in records:
            try:
                items = self._decoder.decode(record)
            except InvalidRecord as error:
                dead.append((record, str(error)))
                continue
            self._empty.value += not items
            batch += items
        return batch, dead

    # --- offsets

    async def _commit(self, offsets: dict[Any, int]) -> None:
        """Commit offsets of the partitions still assigned to this member; others are read again elsewhere."""
        mine = {partition: offset for partition, offset in offsets.items() if partition in self._assigned()}
        self._failed_commits.value += len(offsets) - len(mine)
        if not mine:
            return
        try:
            await self._consumer.commit(mine)
        except (KafkaError, IllegalStateError) as error:
            self._failed_commits.value += len(mine)
            reason = self._client_log.reason_or(error)
            self._client_log.failing(f"offsets are not committed, records come again: {reason}")
            return
        self._committed.update(mine)

    async def _before_revoke(self) -> None:
        """Wait until the batch in flight is committed, before its partitions are revoked: another member would read it
        again."""
        try:
            async with asyncio.timeout(_REVOKE_TIMEOUT):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning("partitions are revoked before their last batch is committed; it is read again elsewhere")

    def _assigned(self) -> frozenset[Any]:
        return frozenset() if self._consumer is None else frozenset(self._consumer.assignment())

    def _lag(self) -> float:
        """Return the number of uncommitted records in the topics, as far as known."""
        lag = 0
        for partition in self._assigned():
            end, committed = self._consumer.highwater(partition), self._committed.get(partition)
            if end is not None and committed is not None:
                lag += max(0, end - committed)
        return float(lag)

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._in_flight = None
        self._idle.set()
        self._committed.clear()
        if consumer is not None:
            await leave(consumer)

    async def _sleep(self, seconds: float) -> None:
        """Sleep; return at once after a stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
