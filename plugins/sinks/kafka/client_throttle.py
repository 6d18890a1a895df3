"""Good manners towards brokers, which aiokafka's client lacks.

While a broker is away it connects every 100 ms, and all agents of a fleet at once when the broker is back; while a
partition has no leader it asks for metadata without a pause; and it does not heed a quota's `throttle_time_ms`
(KIP-219), so that its next request times out on a connection that the broker does not read.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final

from mozu.core.metrics import Counter

_FIRST, _LONGEST = 0.2, 5.0
"""Seconds between two attempts to connect to one broker, with full jitter."""
_METADATA_FIRST, _METADATA_LONGEST = 0.1, 1.0
"""Seconds between two requests for metadata while something is wrong with brokers or leaders."""

THROTTLED: Final = "the brokers throttle mozu (a quota is exceeded): it sends as they allow"


class Pause:
    """Back-off with full jitter."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._most, self._until = first, 0.0

    def left(self) -> float:
        """Seconds until the next attempt is due."""
        return max(0.0, self._until - time.monotonic())

    def failed(self) -> None:
        """The attempt that has just ended was in vain."""
        self._until = time.monotonic() + random.uniform(0, self._most)
        self._most = min(self._most * 2, self._longest)

    def succeeded(self) -> None:
        """The next attempt is due at once."""
        self._most, self._until = self._first, 0.0


class Manners:
    """Of one client; `teach` puts them between aiokafka's client and its own calls."""

    def __init__(self, client: Any, throttled: Callable[[], None], milliseconds: Counter) -> None:
        self._client, self._throttled, self._milliseconds = client, throttled, milliseconds
        self._nodes: dict[Any, Pause] = {}
        self._metadata = Pause(_METADATA_FIRST, _METADATA_LONGEST)
        self._silent: dict[Any, float] = {}
        """Connection → until when the broker wants to hear nothing."""
        self._get_conn, self._update, self._send = client._get_conn, client._metadata_update, client.send
        client._get_conn, client._metadata_update, client.send = self._connected, self._updated, self._sent

    def throttled_for(self) -> float:
        """Seconds for which some broker still wants to hear nothing."""
        return max(0.0, max(self._silent.values(), default=0.0) - time.monotonic())

    async def _connected(self, node: Any, **more: Any) -> Any:
        """A connection; None where there is none now."""
        pause = self._nodes.get(node)
        if pause is None:
            pause = self._nodes[node] = Pause(_FIRST, _LONGEST)
        if pause.left():
            others = [self._pause_of(broker.nodeId) for broker in self._client.cluster.brokers()]
            await asyncio.sleep(min(others, default=pause.left()))
            if pause.left():
                return None
        connection = await self._get_conn(node, **more)
        if connection is None:
            pause.failed()
        else:
            pause.succeeded()
        return connection

    def _pause_of(self, node: Any) -> float:
        pause = self._nodes.get(node)
        return 0.0 if pause is None else pause.left()

    async def _updated(self, cluster: Any, topics: Any) -> Any:
        await asyncio.sleep(self._metadata.left())
        done = await self._update(cluster, topics)
        if done and not self._is_troubled(cluster):
            self._metadata.succeeded()
        else:
            self._metadata.failed()
        return done

    def _is_troubled(self, cluster: Any) -> bool:
        """Whether another request for metadata is likely to follow at once."""
        leaderless = any(
            cluster.partitions_for_topic(topic) != cluster.available_partitions_for_topic(topic)
            for topic in self._client._topics
        )
        return leaderless or any(pause.left() for pause in self._nodes.values())

    async def _sent(self, node: Any, request: Any, **more: Any) -> Any:
        place = node, more.get("group")
        wait = self._silent.get(place, 0.0) - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        answer = await self._send(node, request, **more)
        milliseconds: int = getattr(answer, "throttle_time_ms", 0)
        if milliseconds > 0:
            self._silent[place] = time.monotonic() + milliseconds / 1000
            self._milliseconds.value += milliseconds
            self._throttled()
        return answer
