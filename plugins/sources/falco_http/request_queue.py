"""The queue of received requests: which alerts are pending, in flight or acknowledged, by request."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from mozu.core.api import Alert, Dropped

_MAX_BATCH: Final = 1_000
"""Alerts of several requests that are one batch of the source; they are acknowledged together, so that many clients
wait for one commit."""

_MAX_BYTES: Final = 64 << 20
"""Of requests that are not acknowledged yet."""


class RequestBatch:
    """The alerts of one request of `size` bytes."""

    def __init__(self, key: bytes, alerts: Sequence[Alert], size: int) -> None:
        self.key, self.alerts, self.size = key, alerts, size
        self.done = asyncio.Event()
        self.acked = False
        """Once `done`: whether every alert is safe, or in `dropped`."""
        self.dropped: Sequence[Dropped] = ()


class RequestQueue:
    """`put` never waits; `batches` yields what was put; `ack` and `abandon` set what became of it."""

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._pending = self._pending_bytes = 0
        self._queue: deque[RequestBatch] = deque()
        self._by_key: dict[bytes, RequestBatch] = {}
        self._in_flight: dict[int, tuple[Sequence[Alert], list[RequestBatch]]] = {}
        """id() of a batch → (the batch, which keeps its id() from being reused, the requests in it)."""
        self._arrived = asyncio.Event()
        self._closed = False
        self.received = 0
        """Alerts, since the start."""

    def pending(self) -> int:
        """Alerts that are not acknowledged."""
        return self._pending

    def find(self, key: bytes) -> RequestBatch | None:
        """The same request, if it is pending: a client that timed out and posts again shares the response."""
        return self._by_key.get(key)

    def put(self, key: bytes, alerts: Sequence[Alert], size: int) -> RequestBatch | None:
        """Enqueue a request; None: there is no room for it."""
        full = self._pending + len(alerts) > self._max_pending or self._pending_bytes + size > _MAX_BYTES
        if self._closed or (self._pending and full):
            return None
        request = self._by_key[key] = RequestBatch(key, alerts, size)
        self._queue.append(request)
        self._pending += len(alerts)
        self._pending_bytes += size
        self.received += len(alerts)
        self._arrived.set()
        return request

    def close(self) -> None:
        """Nothing more is put; `batches` ends after what is queued."""
        self._closed = True
        self._arrived.set()

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        """The alerts of whole requests, together."""
        while True:
            if self._queue:
                requests = self._take()
                batch = [alert for request in requests for alert in request.alerts]
                self._in_flight[id(batch)] = (batch, requests)
                yield batch
            elif self._closed:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def ack(self, batch: Sequence[object], dropped: Mapping[int, Dropped]) -> None:
        """Every alert of a batch is safe, except those in `dropped`, by their index in it."""
        _, requests = self._in_flight.pop(id(batch), (batch, []))
        first = 0
        for request in requests:
            after = first + len(request.alerts)
            if dropped:
                request.dropped = [dropped[index] for index in range(first, after) if index in dropped]
            self._finish(request, acked=True)
            first = after

    def abandon(self) -> None:
        """Nothing of what is pending will be acknowledged any more."""
        for request in list(self._by_key.values()):
            self._finish(request, acked=False)
        self._queue.clear()
        self._in_flight.clear()

    def _take(self) -> list[RequestBatch]:
        requests = [self._queue.popleft()]
        size = len(requests[0].alerts)
        while self._queue and size + len(self._queue[0].alerts) <= _MAX_BATCH:
            requests.append(self._queue.popleft())
            size += len(requests[-1].alerts)
        return requests

    def _finish(self, request: RequestBatch, *, acked: bool) -> None:
        self._pending -= len(request.alerts)
        self._pending_bytes -= request.size
        self._by_key.pop(request.key, None)
        request.acked = acked
        request.done.set()
