"""The source itself: batches, and the offsets behind them."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import IllegalStateError, KafkaError

from mozu.core.api import Alert, Context, Counts, Demand, Event
from mozu.core.errors import ConfigError
from mozu.plugins.sinks.kafka.client import arguments
from mozu.plugins.sinks.kafka.compatibility import require_compatible
from mozu.plugins.sinks.kafka.log_dedup import Voice
from mozu.plugins.sources.kafka.consumer import connected, discard
from mozu.plugins.sources.kafka.identity import OffsetNumbers
from mozu.plugins.sources.kafka.poison import NotKept, Poisoned
from mozu.plugins.sources.kafka.reading import Poison, RecordReader
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_FIRST, _LONGEST = 0.2, 30.0
"""Seconds of back-off, with full jitter."""
_LOOK_EVERY_MS: Final = 300
"""How long a poll waits for records: a stop is noticed then."""
_BEFORE_REVOKE: Final = 20.0
"""Seconds for which a rebalance waits for a batch under way."""

Item = Event | Alert


def build(settings: KafkaSourceSettings, context: Context) -> "KafkaSource":
    """Raises ConfigError where a certificate or this aiokafka cannot be used."""
    try:
        require_compatible()
        arguments(settings)
    except ValueError as error:
        raise ConfigError([f"source {context.id}: {error}"]) from None
    return KafkaSource(settings, context)


class KafkaSource:
    """One batch is out at a time; its offsets are committed when the core says that it is settled."""

    def __init__(self, settings: KafkaSourceSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._voice = Voice(context.log, context.metrics)
        identity = OffsetNumbers(settings.topics)
        self.origin = identity.origin
        self._reading = RecordReader(identity, event_source=settings.event_source, alerts=settings.alerts)
        self._poisoned = Poisoned(settings, self._voice, context.metrics)
        self._consumer: Any = None
        self._stopping, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._out: tuple[Sequence[Item], dict[Any, int]] | None = None
        """The batch under way, and the offsets behind it."""
        self._behind: dict[Any, int] = {}
        """Partition → the offset behind what is settled."""
        self._received = 0
        self._failed_commits = context.metrics.counter("kafka_commits_failed_total")
        self._empty = context.metrics.counter("kafka_records_empty_total")
        context.metrics.gauge("kafka_lag_records", self._lag)
        context.metrics.gauge("kafka_partitions", lambda: float(len(self._assigned())))

    async def start(self, demand: Demand) -> None:
        """Brokers that are absent are waited for."""

    async def batches(self) -> AsyncIterator[Sequence[Item]]:
        """What comes in: in order within each partition."""
        delay = _FIRST
        try:
            while not self._stopping.is_set():
                try:
                    async for batch in self._connection():
                        delay = _FIRST
                        yield batch
                except (KafkaError, OSError, TimeoutError, NotKept) as error:
                    reason = str(error) if isinstance(error, NotKept) else self._voice.because(error)
                    self._voice.trouble(f"cannot read from Kafka ({', '.join(self._settings.servers)}): {reason}")
                    await self._pause(random.uniform(0, delay))
                    delay = min(delay * 2, _LONGEST)
        finally:
            await self._let_go()
            await self._poisoned.close()

    async def settled(self, batch: Sequence[object]) -> None:
        """Every alert of this batch is spooled, has arrived, or is dropped or buried by policy: commit."""
        if self._out is None or self._out[0] is not batch:
            return
        offsets = self._out[1]
        self._out = None
        try:
            await self._commit(offsets)
        finally:
            self._idle.set()

    async def update(self, demand: Demand) -> None:
        """What rules want makes no difference: records come whole."""

    def counts(self) -> Mapping[str, Counts]:
        """Records read; what is poison is counted on its own."""
        return {"pluginevent": Counts(seen=self._received, missed=0, received=self._received)}

    async def stop(self) -> None:
        """Read nothing more; the batch under way is still settled."""
        self._stopping.set()

    # --- one connection

    async def _connection(self) -> AsyncIterator[Sequence[Item]]:
        """Batches until the source stops or the consumer fails."""
        try:
            with self._voice.speaks():
                self._consumer = await connected(self._settings, self._voice, self._before_revoke)
            while not self._stopping.is_set():
                polled = await self._poll()
                if polled is not None:
                    yield polled
        finally:
            await self._let_go()

    async def _poll(self) -> Sequence[Item] | None:
        found = await self._next()
        records = [record for of_partition in found.values() for record in of_partition]
        if not records:
            return None
        batch, poison = self._read(records)
        if poison:
            await self._poisoned.keep(poison)
        self._voice.well()
        self._received += len(batch)
        offsets = {partition: of_it[-1].offset + 1 for partition, of_it in found.items() if of_it}
        self._out = batch, offsets
        self._idle.clear()
        return batch

    async def _next(self) -> dict[Any, list[Any]]:
        """Records by partition; empty after a stop. Raises TimeoutError for a client that only complains."""
        loop = asyncio.get_running_loop()
        complains_since: float | None = None
        while not self._stopping.is_set():
            found: dict[Any, list[Any]] = await self._consumer.getmany(
                timeout_ms=_LOOK_EVERY_MS, max_records=self._settings.batch_records
            )
            if any(found.values()):
                return found
            if not self._voice.reason:
                complains_since = None
            elif complains_since is None:
                complains_since = loop.time()
            elif loop.time() - complains_since > self._settings.rebuild_after:
                raise TimeoutError(f"no records for {self._settings.rebuild_after:.0f} s")
        return {}

    def _read(self, records: Sequence[Any]) -> tuple[list[Item], list[tuple[Any, str]]]:
        batch: list[Item] = []
        poison: list[tuple[Any, str]] = []
        for record in records:
            try:
                item = self._reading.read(record)
            except Poison as error:
                poison.append((record, str(error)))
                continue
            if item is None:
                self._empty.value += 1
            else:
                batch.append(item)
        return batch, poison

    # --- offsets

    async def _commit(self, offsets: dict[Any, int]) -> None:
        """Of the partitions that are still this member's: others read again what is not committed."""
        mine = {partition: offset for partition, offset in offsets.items() if partition in self._assigned()}
        self._failed_commits.value += len(offsets) - len(mine)
        if not mine:
            return
        try:
            await self._consumer.commit(mine)
        except (KafkaError, IllegalStateError) as error:
            self._failed_commits.value += len(mine)
            self._voice.trouble(f"offsets are not committed, records come again: {self._voice.because(error)}")
            return
        self._behind.update(mine)

    async def _before_revoke(self) -> None:
        """A batch under way is settled before its partitions go to others, who would read it again."""
        try:
            async with asyncio.timeout(_BEFORE_REVOKE):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning("partitions go to others before their last batch is settled; it is read again there")

    def _assigned(self) -> frozenset[Any]:
        return frozenset() if self._consumer is None else frozenset(self._consumer.assignment())

    def _lag(self) -> float:
        """Records that are in the topics and not settled, as far as is known."""
        lag = 0
        for partition in self._assigned():
            end, behind = self._consumer.highwater(partition), self._behind.get(partition)
            if end is not None and behind is not None:
                lag += max(0, end - behind)
        return float(lag)

    async def _let_go(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._out = None
        self._idle.set()
        self._behind.clear()
        if consumer is not None:
            await discard(consumer)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
