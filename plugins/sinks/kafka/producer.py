"""aiokafka's producer: made when it is needed, thrown away when it cannot go on, made anew.

It dies for good of some errors (a broken sequence of numbers, an unexpected exception in its sender task), after which
every send raises; and it never looks again for brokers if all that it knew have gone.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from mozu.core.api import Metrics
from mozu.plugins.sinks.kafka.client import arguments
from mozu.plugins.sinks.kafka.client_throttle import THROTTLED, Manners
from mozu.plugins.sinks.kafka.log_dedup import Voice
from mozu.plugins.sinks.kafka.message import KafkaMessage
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.topics import Topics

_PATIENCE: Final = 5.0
"""Seconds in which a producer may flush before it is thrown away."""


class Unreachable(Exception):
    """No producer can be had now; the text says why."""


class Producer:
    """At most one of aiokafka's at a time. Single-threaded, one caller."""

    def __init__(self, settings: KafkaSettings, voice: Voice, metrics: Metrics) -> None:
        self._settings, self._voice = settings, voice
        self._producer: Any = None
        self._topics = Topics(
            create=settings.create_topics, partitions=settings.partitions, replication=settings.replication
        )
        self._started = False
        self._rebuilt = metrics.counter("kafka_clients_rebuilt_total")
        self._throttled = metrics.counter("kafka_throttled_milliseconds_total")
        self._manners: Manners | None = None

    async def open(self) -> None:
        """Connect unless that has been done. Raises Unreachable."""
        if self._producer is not None:
            return
        with self._voice.speaks():
            producer = self._made()
            try:
                async with asyncio.timeout(self._settings.timeout):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                await _end(producer)
                raise Unreachable(self._reason(producer, error)) from None
            except BaseException:
                await _end(producer)
                raise
        self._producer = producer
        self._rebuilt.value += self._started
        self._started = True

    async def need(self, topic: str) -> None:
        """Return if the topic is there. Raises TopicMissing, KafkaError."""
        with self._voice.speaks():
            async with asyncio.timeout(self._settings.timeout):
                await self._topics.need(topic, self._producer, arguments(self._settings))

    async def send(self, message: KafkaMessage) -> "asyncio.Future[Any]":
        """Hand over a record; the future is done once it is acknowledged. Raises KafkaError."""
        future: asyncio.Future[Any] = await self._producer.send(
            message.topic, message.body, message.key, headers=message.headers
        )
        return future

    def has_room(self, body: bytes) -> bool:
        """Whether a record with this body and a few headers is within `max_bytes`."""
        return len(body) < self._settings.max_bytes * 3 // 4

    def is_throttled(self) -> bool:
        """Whether a broker has asked for silence, for the sake of a quota."""
        return self._manners is not None and self._manners.throttled_for() > 0

    async def close(self, *, flush: bool) -> None:
        """Throw the producer away: after what is under way has arrived, for which a few seconds are given, or at once.
        The futures that are not done then fail."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if flush:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await producer.flush()
            except (TimeoutError, KafkaError):
                pass
        await _end(producer)

    def _reason(self, producer: Any, error: Exception) -> str:
        """aiokafka takes a token for accepted whatever the answer is (RFC 7628, 3.2.3), and then knows no brokers."""
        sasl = self._settings.sasl
        by_token = sasl is not None and sasl.mechanism == "OAUTHBEARER"
        if by_token and isinstance(error, TimeoutError) and not producer.client.cluster.brokers():
            return "SaslAuthenticationFailed: the broker does not accept the token"
        return self._voice.because(error)

    def _made(self) -> Any:
        settings = self._settings
        made = AIOKafkaProducer(
            **arguments(settings),
            acks="all" if settings.acks == "all" else 1,
            enable_idempotence=settings.idempotence,
            compression_type=None if settings.compression == "none" else settings.compression,
            linger_ms=settings.linger * 1000,
            max_batch_size=settings.batch_bytes,
            max_request_size=settings.max_bytes,
        )
        self._manners = Manners(made.client, lambda: self._voice.note(THROTTLED), self._throttled)
        return made


async def _end(producer: Any) -> None:
    """aiokafka's own `stop` waits for brokers that may never come: fail what is left first, then end its tasks."""
    producer._message_accumulator.fail_all(ProducerClosed())
    task = producer._sender.sender_task
    while task is not None and not task.done():  # it waits for requests under way once it is cancelled
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
    await producer.stop()
