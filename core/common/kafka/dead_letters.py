"""Dead letters in a topic, with the headers defined by Kafka Connect (KIP-298)."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from mozu.core.common.kafka.producer import Headers, KafkaMessage, KafkaProducer, KafkaUnreachable
from mozu.core.common.kafka.topics import TopicMissing


def error_headers(topic: str, stage: str, reason: str, **more: int) -> Headers:
    """Return the headers that say what went wrong with a record of this topic; `more` are partition and offset."""
    return [
        ("__connect.errors.topic", topic.encode()),
        *((f"__connect.errors.{name}", b"%d" % number) for name, number in more.items()),
        ("__connect.errors.stage", stage.encode()),
        ("__connect.errors.exception.message", reason.encode("utf-8", "replace")),
    ]


class DeadLetterProducer:
    """A producer of copies of a sink's dead letters. A failed copy is logged: the spool has the dead letter itself."""

    def __init__(self, topic: str, timeout: float, producer: KafkaProducer, log: logging.Logger) -> None:
        self._topic, self._timeout, self._producer, self._log = topic, timeout, producer, log

    async def produce(self, dead: Sequence[tuple[KafkaMessage, str]]) -> None:
        """Produce a copy of each (message, reason). Returns when the copies are acknowledged, or cannot be written."""
        try:
            await self._producer.open()
            await self._producer.require_topic(self._topic)
            async with asyncio.timeout(self._timeout):
                sent = [await self._producer.send(self._dead_letter(*item)) for item in dead]
                failed = [error for error in await asyncio.gather(*sent, return_exceptions=True) if error is not None]
            problem = next((error for error in failed if isinstance(error, BaseException)), None)
        except (KafkaUnreachable, TopicMissing, KafkaError, TimeoutError) as error:
            problem = error
        if problem is not None:
            reason = str(problem) or type(problem).__name__
            self._log.warning("dead letters cannot be copied to the topic %s: %s", self._topic, reason)
            await self._producer.close(flush=0.0)

    def _dead_letter(self, message: KafkaMessage, reason: str) -> KafkaMessage:
        """Return the record unchanged, or without its body if that was too large."""
        body = message.body if self._producer.has_room(message.body) else b""
        headers = [*message.headers, *error_headers(message.topic, "KAFKA_PRODUCE", reason)]
        return KafkaMessage(message.number, self._topic, message.key, body, headers)
