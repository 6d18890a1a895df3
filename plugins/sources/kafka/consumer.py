"""aiokafka's consumer: joined to its group (rebalance, sticky assignment), and closed when it cannot continue."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from mozu.core.common.kafka.client import client_arguments
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings

_JOIN_TIMEOUT: Final = 60.0
"""Seconds, in addition to those of a request, in which a consumer must have joined its group."""
_LEAVE_TIMEOUT: Final = 5.0
"""Seconds in which a consumer may leave its group before it is closed."""


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Listener that commits the offsets of read records before partitions are revoked."""

    def __init__(self, before_revoke: Callable[[], Awaitable[None]]) -> None:
        self._before_revoke = before_revoke

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Commit before the group rebalances."""
        if revoked:
            await self._before_revoke()

    async def on_partitions_assigned(self, assigned: set[Any]) -> None:
        """Do nothing after the group has rebalanced."""


async def join(settings: KafkaSourceSettings, before_revoke: Callable[[], Awaitable[None]]) -> Any:
    """Return a consumer that has joined its group. Raises KafkaError, OSError or TimeoutError."""
    consumer = AIOKafkaConsumer(
        **client_arguments(settings),
        group_id=settings.group,
        group_instance_id=settings.group_instance_id,
        enable_auto_commit=False,
        auto_offset_reset=settings.auto_offset_reset,
        isolation_level="read_committed",
        max_poll_interval_ms=round(settings.max_poll_interval * 1000),
        session_timeout_ms=round(settings.session_timeout * 1000),
        heartbeat_interval_ms=round(settings.session_timeout * 1000 / 5),
        rebalance_timeout_ms=30_000,
        partition_assignment_strategy=(_own_assignor(),),
    )
    consumer.subscribe(topics=settings.topics, listener=RebalanceListener(before_revoke))
    try:
        async with asyncio.timeout(_JOIN_TIMEOUT + settings.timeout):
            await consumer.start()
    except BaseException:
        await leave(consumer)
        raise
    return consumer


async def leave(consumer: Any) -> None:
    """Leave the group if brokers answer; close the client in any case."""
    try:
        async with asyncio.timeout(_LEAVE_TIMEOUT):
            await consumer.stop()
    except (TimeoutError, KafkaError, OSError):
        await consumer._client.close()


def _own_assignor() -> type:
    """Return a sticky assignor's class for one consumer, because aiokafka keeps the assignor's state in the class."""
    return type("StickyPartitionAssignor", (StickyPartitionAssignor,), {"member_assignment": None})
