"""The schema of a sink's records in its registry: one id per topic, requested once, and records framed with it.

Confluent's wire format: a zero byte, the id (four bytes, the most significant first), for protocol buffers the path to
the message, the record.
"""

import struct
import time
from typing import Final

from mozu.plugins.sinks.kafka.registry.registry_client import (
    RegistryClient,
    RegistryUnreachable,
    SchemaMissing,
    SchemaUnavailable,
)
from mozu.plugins.sinks.kafka.registry.serialization import Serialization, serialization
from mozu.plugins.sinks.kafka.registry.settings import RegistrySettings

_MAGIC: Final = 0
_NEGATIVE_TTL: Final = 5.0
"""Seconds for which a registry that refused a topic, or did not answer, is not asked again."""
_EVERY: Final = ""
"""Key for a failure that concerns all topics."""


class RegisteredSchema:
    """Registered schema of the records, made from the JSON Schema `schema`. Raises ValueError if the settings do not
    fit it."""

    def __init__(self, settings: RegistrySettings, schema: str) -> None:
        self._settings, self._client = settings, RegistryClient(settings)
        self.serialization: Final[Serialization] = serialization(settings.serialization, schema)
        self._prefixes: dict[str, bytes] = {}
        """Bytes before each record, by topic."""
        self._failed: dict[str, tuple[float, SchemaUnavailable]] = {}
        """Time until which a failure is remembered, and its error, by topic or `_EVERY`."""

    async def require(self, topic: str) -> None:
        """Return once the id for a topic is known. Raises SchemaUnavailable."""
        if topic in self._prefixes:
            return
        for asked in (_EVERY, topic):
            until, why = self._failed.get(asked, (0.0, SchemaUnavailable()))
            if time.monotonic() < until:
                raise why
        try:
            self._prefixes[topic] = struct.pack(">bI", _MAGIC, await self._id(topic)) + self.serialization.prefix
        except SchemaUnavailable as error:
            about = _EVERY if isinstance(error, RegistryUnreachable) else topic
            self._failed[about] = time.monotonic() + _NEGATIVE_TTL, error
            raise
        self._failed.clear()

    def framed(self, topic: str, body: bytes) -> bytes:
        """Return a record framed for a topic whose id is known."""
        return self._prefixes[topic] + body

    async def problem(self, topic: str) -> str | None:
        """Return the reason for which the schema cannot be used for a topic, None if it can; registers nothing."""
        written = self.serialization
        try:
            await self._client.look_up(self._subject(topic), written.schema_type, written.schema)
        except SchemaMissing as error:
            return None if self._settings.auto_register else str(error)
        except SchemaUnavailable as error:
            return str(error)
        return None

    async def _id(self, topic: str) -> int:
        settings, written, subject = self._settings, self.serialization, self._subject(topic)
        if not settings.auto_register:
            return await self._client.look_up(subject, written.schema_type, written.schema)
        if settings.compatibility is not None:
            await self._client.set_compatibility(subject, settings.compatibility)
        return await self._client.register(subject, written.schema_type, written.schema)

    def _subject(self, topic: str) -> str:
        match self._settings.subject:
            case "topic":
                return f"{topic}-value"
            case "record":
                return self.serialization.record_name
            case "topic_record":
                return f"{topic}-{self.serialization.record_name}"
