"""Dead letters of the source: records that are no JSON (poison), stored before the offset behind them is committed."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka.errors import KafkaError

from mozu.core.api import Metrics
from mozu.core.common.kafka.client_log import KafkaClientLog
from mozu.core.common.kafka.dead_letters import error_headers
from mozu.core.common.kafka.producer import KafkaMessage, KafkaProducer, KafkaUnreachable, ProducerOptions
from mozu.core.common.kafka.topics import TopicMissing
from mozu.core.common.own_file import open_own
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_FLUSH_SECONDS: Final = 0.2
"""Seconds for records in flight at the end; few can be, since records were acknowledged when stored."""


class NotKept(Exception):
    """A dead letter could not be stored now; the message says why."""


class DeadLetterStore:
    """Store whose `keep` returns when the records are safe: acknowledged by a topic, or in a file."""

    def __init__(self, settings: KafkaSourceSettings, client_log: KafkaClientLog, metrics: Metrics) -> None:
        self._settings = settings
        self._count = metrics.counter("kafka_dead_letter_records_total")
        self._producer = KafkaProducer(settings, ProducerOptions(create_topics=True), client_log, metrics)

    async def keep(self, records: list[tuple[Any, str]]) -> None:
        """Store dead letters (record, reason). Raises NotKept."""
        if self._settings.dead_letters == "topic":
            try:
                await self._produce(records)
            except (KafkaUnreachable, TopicMissing, KafkaError, TimeoutError) as error:
                await self._producer.close(flush=0.0)
                raise NotKept(f"dead letters cannot be kept: {str(error) or type(error).__name__}") from None
        elif self._settings.dead_letters == "file" and self._settings.dead_letter_file is not None:
            lines = b"".join(_line(record, reason) for record, reason in records)
            try:
                await asyncio.to_thread(_append, self._settings.dead_letter_file, lines)
            except OSError as error:
                raise NotKept(f"dead letters cannot be kept: {error}") from None
        self._count.value += len(records)

    async def close(self) -> None:
        """Close the producer."""
        await self._producer.close(flush=_FLUSH_SECONDS)

    async def _produce(self, records: list[tuple[Any, str]]) -> None:
        await self._producer.open()
        messages = [self._message(record, reason) for record, reason in records]
        for topic in {message.topic for message in messages}:
            await self._producer.require_topic(topic)
        sent = [await self._producer.send(message) for message in messages]
        async with asyncio.timeout(self._settings.timeout):
            await asyncio.gather(*sent)

    def _message(self, record: Any, reason: str) -> KafkaMessage:
        place = {"partition": record.partition, "offset": record.offset}
        headers = [*record.headers, *error_headers(record.topic, "VALUE_CONVERTER", reason, **place)]
        return KafkaMessage(0, self._settings.dead_letter_topic_of(record.topic), record.key, record.value, headers)


def _line(record: Any, reason: str) -> bytes:
    document = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "reason": reason,
        "value": base64.b64encode(record.value).decode(),
    }
    return orjson.dumps(document) + b"\n"


def _append(path: Path, lines: bytes) -> None:
    with open(open_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), "ab") as file:
        file.write(lines)
