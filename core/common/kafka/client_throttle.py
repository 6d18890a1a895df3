"""Client throttle: back-off to brokers that are away, and quotas (KIP-219), neither of which aiokafka respects.

While a broker is away aiokafka connects every 100 ms, and all agents of a fleet at once when the broker is back; while
a partition has no leader it asks for metadata without a pause; and it ignores a quota's `throttle_time_ms`, so that its
next request times out on a connection that the broker has muted.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.api import Request, Response

from mozu.core.common.backoff import Backoff
from mozu.core.metrics import Counter

_CONNECT_BACKOFF: Final = (0.2, 5.0)
"""First and longest seconds between two attempts to connect to one broker, with full jitter."""
_METADATA_BACKOFF: Final = (0.1, 1.0)
"""First and longest seconds between two requests for metadata while a broker is away or a partition has no leader."""

THROTTLED: Final = "the brokers throttle mozu (a quota is exceeded): it sends as they allow"


class ClientThrottle:
    """A throttle of one aiokafka client: replaces its `_get_conn`, `_metadata_update` and `send` by calls that wait
    first."""

    def __init__(self, client: AIOKafkaClient, on_throttled: Callable[[], None], milliseconds: Counter) -> None:
        self._client, self._on_throttled, self._milliseconds = client, on_throttled, milliseconds
        self._brokers: dict[int, Backoff] = {}
        """Node id → back-off of connections to it."""
        self._metadata = Backoff(*_METADATA_BACKOFF)
        self._muted_until: dict[tuple[int, object], float] = {}
        """Connection → time until which its broker reads nothing because of a quota."""
        self._get_conn, self._metadata_update, self._send = client._get_conn, client._metadata_update, client.send
        client._get_conn, client._metadata_update, client.send = self.get_conn, self.metadata_update, self.send

    def throttled_for(self) -> float:
        """Return the seconds for which some broker still reads nothing because of a quota."""
        return max(0.0, max(self._muted_until.values(), default=0.0) - time.monotonic())

    async def get_conn(self, node: int, **more: object) -> AIOKafkaConnection | None:
        """Return a connection; None if there is none now."""
        backoff = self._brokers.get(node)
        if backoff is None:
            backoff = self._brokers[node] = Backoff(*_CONNECT_BACKOFF)
        if backoff.left():
            others = [self._backoff_left(broker.nodeId) for broker in self._client.cluster.brokers()]
            await asyncio.sleep(min(others, default=backoff.left()))
            if backoff.left():
                return None
        connection = await self._get_conn(node, **more)
        if connection is None:
            backoff.failed()
        else:
            backoff.succeeded()
        return connection

    def _backoff_left(self, node: int) -> float:
        backoff = self._brokers.get(node)
        return 0.0 if backoff is None else backoff.left()

    async def metadata_update(self, cluster: ClusterMetadata, topics: Collection[str]) -> bool:
        """Read the cluster's metadata, after the back-off of the request before; return True if that succeeded."""
        await asyncio.sleep(self._metadata.left())
        done: bool = await self._metadata_update(cluster, topics)
        if done and not self._is_degraded(cluster):
            self._metadata.succeeded()
        else:
            self._metadata.failed()
        return done

    def _is_degraded(self, cluster: ClusterMetadata) -> bool:
        """Return True if another request for metadata is likely to follow immediately."""
        leaderless = any(
            cluster.partitions_for_topic(topic) != cluster.available_partitions_for_topic(topic)
            for topic in self._client._topics
        )
        return leaderless or any(backoff.left() for backoff in self._brokers.values())

    async def send(self, node: int, request: Request, **more: object) -> Response:
        """Return the response; waits while the broker has muted the connection."""
        connection = node, more.get("group")
        wait = self._muted_until.get(connection, 0.0) - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        response = await self._send(node, request, **more)
        milliseconds: int = getattr(response, "throttle_time_ms", 0)
        if milliseconds > 0:
            self._muted_until[connection] = time.monotonic() + milliseconds / 1000
            self._milliseconds.value += milliseconds
            self._on_throttled()
        return response
