"""A Kafka producer that reconnects: aiokafka's, made when it is needed, closed when it has failed, made again.

aiokafka's ends for good on some errors (a broken sequence of numbers, an unexpected exception in its sender task),
after which every send raises; and it never searches for new brokers if all that it knew have gone.
"""

import asyncio
from typing import Final, Literal

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import RecordMetadata

from mozu.core.common.kafka.access import KafkaAccess
from mozu.core.common.kafka.client import client_arguments
from mozu.core.common.kafka.client_log import KafkaClientLog
from mozu.core.common.kafka.client_throttle import THROTTLED, ClientThrottle
from mozu.core.common.kafka.topics import Topics
from mozu.core.metrics import Metrics

_CANCEL_TIMEOUT: Final = 0.5
"""Seconds in which the sender task may end after it was cancelled."""

Headers = list[tuple[str, bytes]]


class KafkaMessage(msgspec.Struct):
    """A record before it is sent."""

    number: int
    """The alert's number at a sink; 0 if the record is no alert."""
    topic: str
    key: bytes | None
    body: bytes
    headers: Headers


class ProducerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of producing; the defaults are those of the sink's settings of the same names."""

    acks: Literal["all", "leader"] = "all"
    idempotence: bool = True
    compression: Literal["zstd", "lz4", "gzip", "none"] = "zstd"
    linger: float = 0.0
    batch_bytes: int = 256 << 10
    max_bytes: int = 1_000_000
    create_topics: bool = False
    partitions: int = 6
    replication_factor: int | None = None


class KafkaUnreachable(Exception):
    """Raised if no producer is available now; the text is the reason."""


class KafkaProducer:
    """A holder of at most one of aiokafka's producers at a time. Single-threaded, one caller."""

    def __init__(self, access: KafkaAccess, options: ProducerOptions, log: KafkaClientLog, metrics: Metrics) -> None:
        self._access, self._options, self._log = access, options, log
        self._producer: AIOKafkaProducer | None = None
        self._topics = Topics(
            create=options.create_topics, partitions=options.partitions, replication_factor=options.replication_factor
        )
        self._was_connected = False
        self._rebuilt = metrics.counter("kafka_clients_rebuilt_total")
        self._throttled = metrics.counter("kafka_throttled_milliseconds_total")
        self._throttle: ClientThrottle | None = None

    async def open(self) -> None:
        """Connect unless there is a connection. Raises KafkaUnreachable."""
        if self._producer is not None:
            return
        with self._log.attributed():
            producer = self._build()
            try:
                async with asyncio.timeout(self._access.timeout):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                await _end(producer)
                raise KafkaUnreachable(self._reason(producer, error)) from None
            except BaseException:
                await _end(producer)
                raise
        self._producer = producer
        self._rebuilt.value += self._was_connected
        self._was_connected = True

    async def require_topic(self, topic: str) -> None:
        """Return if the topic exists. Raises TopicMissing, KafkaError."""
        with self._log.attributed():
            async with asyncio.timeout(self._access.timeout):
                await self._topics.require(topic, self._producer, client_arguments(self._access))

    async def topic_problem(self, topic: str) -> str | None:
        """Return why a record for this topic would not be accepted, None if it would; makes no topic. Raises
        KafkaError."""
        with self._log.attributed():
            async with asyncio.timeout(self._access.timeout):
                return await self._topics.problem(topic, self._producer, client_arguments(self._access))

    async def send(self, message: KafkaMessage) -> "asyncio.Future[RecordMetadata]":
        """Enqueue a record; the future is done once it is acknowledged. Raises KafkaError."""
        assert self._producer is not None
        future: asyncio.Future[RecordMetadata] = await self._producer.send(
            message.topic, message.body, message.key, headers=message.headers
        )
        return future

    def has_room(self, body: bytes) -> bool:
        """Return True if a record with this body and a few headers is within `max_bytes`."""
        return len(body) < self._options.max_bytes * 3 // 4

    def is_throttled(self) -> bool:
        """Return True if a broker has muted a connection because of a quota."""
        return self._throttle is not None and self._throttle.throttled_for() > 0

    async def close(self, *, flush: float) -> None:
        """Close the producer, after records in flight were acknowledged if that takes no more than `flush` seconds.
        Futures that are not done then fail."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if flush > 0:
            try:
                async with asyncio.timeout(flush):
                    await producer.flush()
            except (TimeoutError, KafkaError):
                pass
        await _end(producer)

    def _reason(self, producer: AIOKafkaProducer, error: Exception) -> str:
        """Return why no connection was made. aiokafka takes any answer to a token as success (RFC 7628, 3.2.3), and
        then knows no brokers."""
        sasl = self._access.sasl
        by_token = sasl is not None and sasl.mechanism == "OAUTHBEARER"
        if by_token and isinstance(error, TimeoutError) and not producer.client.cluster.brokers():
            return "SaslAuthenticationFailed: the broker does not accept the token"
        return self._log.reason_or(error)

    def _build(self) -> AIOKafkaProducer:
        options = self._options
        producer = AIOKafkaProducer(
            **client_arguments(self._access),
            acks="all" if options.acks == "all" else 1,
            enable_idempotence=options.idempotence,
            compression_type=None if options.compression == "none" else options.compression,
            linger_ms=options.linger * 1000,
            max_batch_size=options.batch_bytes,
            max_request_size=options.max_bytes,
        )
        self._throttle = ClientThrottle(producer.client, lambda: self._log.warn(THROTTLED), self._throttled)
        return producer


async def _end(producer: AIOKafkaProducer) -> None:
    """End a producer. aiokafka's own `stop` waits for brokers that may never come: fail the rest first, then end its
    tasks."""
    producer._message_accumulator.fail_all(ProducerClosed())
    task = producer._sender.sender_task
    while task is not None and not task.done():  # it waits for requests in flight once it is cancelled
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_TIMEOUT)
    await producer.stop()
