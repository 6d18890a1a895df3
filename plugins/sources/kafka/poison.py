"""Where records go that are no JSON. They are kept before the offset behind them is committed."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from mozu.core.api import Metrics
from mozu.plugins.sinks.kafka.dead_letters import reasons
from mozu.plugins.sinks.kafka.log_dedup import Voice
from mozu.plugins.sinks.kafka.message import KafkaMessage
from mozu.plugins.sinks.kafka.producer import Producer, Unreachable
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.topics import TopicMissing
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_SHARED = ("servers", "protocol", "tls", "sasl", "client_id", "timeout")


class NotKept(Exception):
    """A record could not be put aside now; the text says why."""


class Poisoned:
    """`keep` returns when the records are safe."""

    def __init__(self, settings: KafkaSourceSettings, voice: Voice, metrics: Metrics) -> None:
        self._settings = settings
        self._count = metrics.counter("kafka_records_poisoned_total")
        access = {name: getattr(settings, name) for name in _SHARED}
        self._producer = Producer(KafkaSettings.model_construct(**_whole(access)), voice, metrics)

    async def keep(self, records: list[tuple[Any, str]]) -> None:
        """(record, reason) of each. Raises NotKept."""
        if self._settings.poison == "topic":
            try:
                await self._send(records)
            except (Unreachable, TopicMissing, KafkaError, TimeoutError) as error:
                await self._producer.close(flush=False)
                raise NotKept(f"poison cannot be put aside: {str(error) or type(error).__name__}") from None
        elif self._settings.poison == "file" and self._settings.poison_file is not None:
            lines = b"".join(_line(record, reason) for record, reason in records)
            try:
                await asyncio.to_thread(_append, self._settings.poison_file, lines)
            except OSError as error:
                raise NotKept(f"poison cannot be put aside: {error}") from None
        self._count.value += len(records)

    async def close(self) -> None:
        """Let go."""
        await self._producer.close(flush=True)

    async def _send(self, records: list[tuple[Any, str]]) -> None:
        await self._producer.open()
        messages = [self._message(record, reason) for record, reason in records]
        for topic in {message.topic for message in messages}:
            await self._producer.need(topic)
        sent = [await self._producer.send(message) for message in messages]
        async with asyncio.timeout(self._settings.timeout):
            await asyncio.gather(*sent)

    def _message(self, record: Any, reason: str) -> KafkaMessage:
        place = {"partition": record.partition, "offset": record.offset}
        headers = [*record.headers, *reasons(record.topic, "VALUE_CONVERTER", reason, **place)]
        return KafkaMessage(0, self._settings.poison_topic_of(record.topic), record.key, record.value, headers)


def _whole(access: dict[str, Any]) -> dict[str, Any]:
    """The settings of a sink that makes the topics it needs; those of the access are validated already."""
    defaults = {name: field.default for name, field in KafkaSettings.model_fields.items()}
    return {**defaults, **access, "create_topics": True}


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
    with path.open("ab") as file:
        file.write(lines)
