"""Checks for topics, and their creation; a missing topic is remembered as missing (negative cache)."""

import time
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.metadata import MetadataRequest

_NEGATIVE_TTL: Final = 5.0
"""Seconds until a missing topic is looked up again."""

_REPLICATION_FACTOR: Final = 3
_AUTO_CREATE: Final = "auto.create.topics.enable"
"""Setting of brokers that make a topic when a client that does not object asks for it."""


class TopicMissing(Exception):
    """Raised for a topic that does not exist and is not created; the text is the reason."""


class Topics:
    """The topics of one client."""

    def __init__(self, *, create: bool, partitions: int, replication_factor: int | None) -> None:
        self._create, self._partitions, self._replication_factor = create, partitions, replication_factor
        self._missing: dict[str, tuple[float, TopicMissing]] = {}
        """Topic → (time until which it counts as missing, error)."""

    async def require(self, topic: str, producer: AIOKafkaProducer, arguments: dict[str, Any]) -> None:
        """Return if the topic exists. Raises TopicMissing, TopicAuthorizationFailedError, KafkaError."""
        cluster = producer.client.cluster
        if cluster.partitions_for_topic(topic) is not None:
            return
        until, why = self._missing.get(topic, (0.0, TopicMissing()))
        if time.monotonic() < until:
            raise why
        await producer.client.add_topic(topic)
        await producer.client.force_metadata_update()
        if cluster.partitions_for_topic(topic) is None:
            await self._create_or_raise(topic, producer, arguments)

    async def problem(self, topic: str, producer: AIOKafkaProducer, arguments: dict[str, Any]) -> str | None:
        """Return why a record for this topic would not be accepted, or None if the topic exists or is made with the
        first record. Makes no topic: brokers create a topic that a client merely asks for, unless the client objects.

        Raises TopicAuthorizationFailedError, KafkaError.
        """
        node = producer.client.get_random_node()
        if node is None:
            raise KafkaError("no broker answers")
        asked = MetadataRequest([topic], allow_auto_topic_creation=False)
        response = await producer.client.send(node, asked)
        error = next((for_code(code) for code, name, *_ in response.topics if name == topic), NoError)
        if error is UnknownTopicOrPartitionError:
            created = self._create or await _brokers_create(node, arguments)
            return None if created else _absent(topic)
        if error is TopicAuthorizationFailedError:
            raise error(topic)
        return None if error is NoError else f"the topic {topic} cannot be used: {error.__name__}"

    async def _create_or_raise(self, topic: str, producer: AIOKafkaProducer, arguments: dict[str, Any]) -> None:
        if topic in producer.client.cluster.unauthorized_topics:
            raise TopicAuthorizationFailedError(topic)
        if not producer.client.cluster.brokers():
            raise KafkaError("no broker answers")
        if self._create:
            problem = await self._create_topic(topic, len(producer.client.cluster.brokers()), arguments)
            if not problem:
                return  # aiokafka waits for a topic that is being created
        else:
            problem = _absent(topic)
        missing = TopicMissing(problem)
        self._missing[topic] = time.monotonic() + _NEGATIVE_TTL, missing
        raise missing

    async def _create_topic(self, topic: str, brokers: int, arguments: dict[str, Any]) -> str:
        """Create a topic (CreateTopics); return why it cannot be created, empty if it was."""
        copies = self._replication_factor or min(_REPLICATION_FACTOR, brokers)
        admin = AIOKafkaAdminClient(**arguments)
        try:
            await admin.start()
            response = await admin.create_topics([NewTopic(topic, self._partitions, copies)])
        finally:
            await admin.close()
        for _, code, *message in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                reason = message[0] if message and message[0] else error.__name__
                return f"the topic {topic} does not exist and cannot be created: {reason}"
        return ""


def _absent(topic: str) -> str:
    return f"the topic {topic} does not exist; create it, or set `create_topics: true`"


async def _brokers_create(node: int, arguments: dict[str, Any]) -> bool:
    """Return True if brokers make missing topics by themselves; False if mozu may not ask (DescribeConfigs)."""
    admin = AIOKafkaAdminClient(**arguments)
    try:
        await admin.start()
        wanted = ConfigResource(ConfigResourceType.BROKER, str(node), {_AUTO_CREATE: None})
        (response,) = await admin.describe_configs([wanted])
    except KafkaError:
        return False
    finally:
        await admin.close()
    entries = [entry for resource in response.resources for entry in resource[4]]
    return any(name == _AUTO_CREATE and value == "true" for name, value, *_ in entries)
