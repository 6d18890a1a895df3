"""Whether topics exist, and making them."""

import time
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

_LOOK_AGAIN: Final = 5.0
"""Seconds for which a topic that is missing is not asked for again."""

_COPIES: Final = 3


class TopicMissing(Exception):
    """There is no such topic, and none is made; the text says why."""


class Topics:
    """What is known of the topics of one client."""

    def __init__(self, *, create: bool, partitions: int, replication: int | None) -> None:
        self._create, self._partitions, self._replication = create, partitions, replication
        self._missing: dict[str, tuple[float, TopicMissing]] = {}

    async def need(self, topic: str, producer: Any, arguments: dict[str, Any]) -> None:
        """Return if the topic is there. Raises TopicMissing, TopicAuthorizationFailedError, KafkaError."""
        cluster = producer.client.cluster
        if cluster.partitions_for_topic(topic) is not None:
            return
        until, why = self._missing.get(topic, (0.0, TopicMissing()))
        if time.monotonic() < until:
            raise why
        await producer.client.add_topic(topic)
        await producer.client.force_metadata_update()
        if cluster.partitions_for_topic(topic) is None:
            await self._absent(topic, producer, arguments)

    async def _absent(self, topic: str, producer: Any, arguments: dict[str, Any]) -> None:
        if topic in producer.client.cluster.unauthorized_topics:
            raise TopicAuthorizationFailedError(topic)
        if not producer.client.cluster.brokers():
            raise KafkaError("no broker answers")
        if self._create:
            problem = await self._make(topic, len(producer.client.cluster.brokers()), arguments)
            if not problem:
                return  # aiokafka waits for a topic that is being made
        else:
            problem = f"the topic {topic} does not exist; create it, or set `create_topics: true`"
        missing = TopicMissing(problem)
        self._missing[topic] = time.monotonic() + _LOOK_AGAIN, missing
        raise missing

    async def _make(self, topic: str, brokers: int, arguments: dict[str, Any]) -> str:
        """Why it cannot be made; empty: it is."""
        copies = self._replication or min(_COPIES, brokers)
        admin = AIOKafkaAdminClient(**arguments)
        try:
            await admin.start()
            answer = await admin.create_topics([NewTopic(topic, self._partitions, copies)])
        finally:
            await admin.close()
        for _, code, *message in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                told = message[0] if message and message[0] else error.__name__
                return f"the topic {topic} does not exist and cannot be made: {told}"
        return ""

