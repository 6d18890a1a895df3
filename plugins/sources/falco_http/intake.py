"""What has come in, what is under way, and what is settled: by request, since a request gets one answer."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from mozu.core.api import Alert

_BATCH: Final = 1_000
"""Alerts of several requests that go on together; they are settled together, so many clients wait for one commit."""

_MOST_BYTES: Final = 64 << 20
"""Of requests that wait to be safe."""


class Parcel:
    """The alerts of one request of `size` bytes."""

    def __init__(self, key: bytes, alerts: Sequence[Alert], size: int) -> None:
        self.key, self.alerts, self.size = key, alerts, size
        self.done = asyncio.Event()
        self.safe = False
        """Once `done`: whether every alert is settled."""


class RequestQueue:
    """`put` never waits; `batches` gives what came; `settled` and `abandon` say what became of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = self._bytes = 0
        self._queue: deque[Parcel] = deque()
        self._known: dict[bytes, Parcel] = {}
        self._out: dict[int, tuple[Sequence[Alert], list[Parcel]]] = {}
        """Identity of a batch → itself, which keeps the identity its own, and whose alerts are in it."""
        self._arrived = asyncio.Event()
        self._closed = False
        self.received = 0
        """Alerts, since the start."""

    def waiting(self) -> int:
        """Alerts that are not settled."""
        return self._waiting

    def find(self, key: bytes) -> Parcel | None:
        """The same request, if it is under way: a client that lost patience and posts again shares the answer."""
        return self._known.get(key)

    def put(self, key: bytes, alerts: Sequence[Alert], size: int) -> Parcel | None:
        """Take in a request; None: there is no room for it."""
        full = self._waiting + len(alerts) > self._most or self._bytes + size > _MOST_BYTES
        if self._closed or (self._waiting and full):
            return None
        parcel = self._known[key] = Parcel(key, alerts, size)
        self._queue.append(parcel)
        self._waiting += len(alerts)
        self._bytes += size
        self.received += len(alerts)
        self._arrived.set()
        return parcel

    def close(self) -> None:
        """Nothing more comes; `batches` ends after what is there."""
        self._closed = True
        self._arrived.set()

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        """Whole requests, together."""
        while True:
            if self._queue:
                parcels = self._take()
                batch = [alert for parcel in parcels for alert in parcel.alerts]
                self._out[id(batch)] = (batch, parcels)
                yield batch
            elif self._closed:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def settled(self, batch: Sequence[object]) -> None:
        """Every alert of a batch is safe."""
        _, parcels = self._out.pop(id(batch), (batch, []))
        for parcel in parcels:
            self._finish(parcel, safe=True)

    def abandon(self) -> None:
        """Nobody will say any more what becomes of the rest."""
        for parcel in list(self._known.values()):
            self._finish(parcel, safe=False)
        self._queue.clear()
        self._out.clear()

    def _take(self) -> list[Parcel]:
        parcels = [self._queue.popleft()]
        size = len(parcels[0].alerts)
        while self._queue and size + len(self._queue[0].alerts) <= _BATCH:
            parcels.append(self._queue.popleft())
            size += len(parcels[-1].alerts)
        return parcels

    def _finish(self, parcel: Parcel, *, safe: bool) -> None:
        self._waiting -= len(parcel.alerts)
        self._bytes -= parcel.size
        self._known.pop(parcel.key, None)
        parcel.safe = safe
        parcel.done.set()
