"""The queue of received requests: pending, in flight or acknowledged items (alerts, events), by request."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Generic, TypeVar

from mozu.core.api import Dropped

T = TypeVar("T")

_MAX_BATCH: Final = 1_000
"""Most items of several requests in one batch of the source; they are acknowledged together, so that many clients wait
for one commit."""

_MAX_BYTES: Final = 64 << 20
"""Most bytes of requests that are not acknowledged yet."""


class RequestBatch(Generic[T]):
    """The items of one request of `size` bytes."""

    def __init__(self, key: bytes, items: Sequence[T], size: int) -> None:
        self.key, self.items, self.size = key, items, size
        self.done = asyncio.Event()
        self.acked = False
        """True if every item is safe, or in `dropped`; valid once `done`."""
        self.dropped: Sequence[Dropped] = ()


class RequestQueue(Generic[T]):
    """Queue of requests. `put` never waits; `batches` yields their items; `ack` and `abandon` settle them."""

    def __init__(self, max_pending: int, max_bytes: int = _MAX_BYTES) -> None:
        self._max_pending, self._max_bytes = max_pending, max_bytes
        self._pending = self._pending_bytes = 0
        self._queue: deque[RequestBatch[T]] = deque()
        self._by_key: dict[bytes, RequestBatch[T]] = {}
        self._in_flight: dict[int, tuple[Sequence[T], list[RequestBatch[T]]]] = {}
        """Batch and its requests, by id() of the batch, which is referenced so that the id() is not reused."""
        self._arrived = asyncio.Event()
        self._closed = False
        self.received = 0
        """Number of items received since the start."""

    def pending(self) -> int:
        """Return the number of items that are not acknowledged."""
        return self._pending

    def find(self, key: bytes) -> RequestBatch[T] | None:
        """Return the pending request with this key, if any: a client that timed out and posts again shares the
        response."""
        return self._by_key.get(key)

    def put(self, key: bytes, items: Sequence[T], size: int) -> RequestBatch[T] | None:
        """Enqueue a request; return None if the queue is full."""
        full = self._pending + len(items) > self._max_pending or self._pending_bytes + size > self._max_bytes
        if self._closed or (self._pending and full):
            return None
        request = self._by_key[key] = RequestBatch(key, items, size)
        self._queue.append(request)
        self._pending += len(items)
        self._pending_bytes += size
        self.received += len(items)
        self._arrived.set()
        return request

    def close(self) -> None:
        """Accept no more requests; `batches` ends after the queued ones."""
        self._closed = True
        self._arrived.set()

    async def batches(self) -> AsyncIterator[Sequence[T]]:
        """Yield the items of whole requests, several together."""
        while True:
            if self._queue:
                requests = self._take()
                batch = [item for request in requests for item in request.items]
                self._in_flight[id(batch)] = (batch, requests)
                yield batch
            elif self._closed:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def ack(self, batch: Sequence[object], dropped: Mapping[int, Dropped]) -> None:
        """Acknowledge a batch: every item is safe, except those in `dropped`, by their index in the batch."""
        _, requests = self._in_flight.pop(id(batch), (batch, []))
        first = 0
        for request in requests:
            after = first + len(request.items)
            if dropped:
                request.dropped = [dropped[index] for index in range(first, after) if index in dropped]
            self._finish(request, acked=True)
            first = after

    def abandon(self) -> None:
        """End all pending requests as not acknowledged."""
        for request in list(self._by_key.values()):
            self._finish(request, acked=False)
        self._queue.clear()
        self._in_flight.clear()

    def _take(self) -> list[RequestBatch[T]]:
        requests = [self._queue.popleft()]
        size = len(requests[0].items)
        while self._queue and size + len(self._queue[0].items) <= _MAX_BATCH:
            requests.append(self._queue.popleft())
            size += len(requests[-1].items)
        return requests

    def _finish(self, request: RequestBatch[T], *, acked: bool) -> None:
        self._pending -= len(request.items)
        self._pending_bytes -= request.size
        self._by_key.pop(request.key, None)
        request.acked = acked
        request.done.set()
