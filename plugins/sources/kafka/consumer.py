"""aiokafka's consumer: made, and thrown away when it cannot go on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from mozu.plugins.sinks.kafka.client import arguments
from mozu.plugins.sinks.kafka.log_dedup import Voice
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_PATIENCE: Final = 5.0
"""Seconds in which a consumer may leave its group before it is thrown away."""


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka tells no types
    """Before partitions go to others, what was read of them is settled."""

    def __init__(self, before: Callable[[], Awaitable[None]]) -> None:
        self._before = before

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Called before the group shares out anew."""
        if revoked:
            await self._before()

    async def on_partitions_assigned(self, assigned: set[Any]) -> None:
        """Called afterwards."""


async def connected(settings: KafkaSourceSettings, voice: Voice, before: Callable[[], Awaitable[None]]) -> Any:
    """A consumer that has joined its group. Raises KafkaError, OSError or TimeoutError."""
    consumer = AIOKafkaConsumer(
        **arguments(settings),
        group_id=settings.group,
        group_instance_id=settings.member,
        enable_auto_commit=False,
        auto_offset_reset=settings.begin,
        isolation_level="read_committed",
        max_poll_interval_ms=round(settings.settle_timeout * 1000),
        session_timeout_ms=round(settings.session_timeout * 1000),
        heartbeat_interval_ms=round(settings.session_timeout * 1000 / 5),
        rebalance_timeout_ms=30_000,
        partition_assignment_strategy=(_own_assignor(),),
    )
    consumer.subscribe(topics=settings.topics, listener=Listener(before))
    try:
        async with asyncio.timeout(60 + settings.timeout):
            await consumer.start()
    except BaseException:
        await discard(consumer)
        raise
    return consumer


async def discard(consumer: Any) -> None:
    """Leave the group if brokers answer; let go in any case."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await consumer.stop()
    except (TimeoutError, KafkaError, OSError):
        await consumer._client.close()


def _own_assignor() -> type:
    """aiokafka keeps the state of its sticky assignor in the class: each consumer gets one of its own."""
    return type("StickyPartitionAssignor", (StickyPartitionAssignor,), {"member_assignment": None})
