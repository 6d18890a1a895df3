"""Bounded queue from the tracer thread to the event loop.

Where it is full, the tracer waits, and the traced program with it (backpressure); or the event is dropped and counted.
Programs that mozu itself may wait for must not wait for mozu.
"""

import asyncio
import threading
from collections import Counter, deque
from typing import Final

from mozu.core.model.event import SyscallEvent

MAX_EVENTS: Final = 20_000
_FULL_TIMEOUT: Final = 0.1
"""Seconds after which a waiting writer checks again whether the queue is abandoned."""


class EventQueue:
    """One writer (the tracer thread), one reader (the loop). `lossless`: the writer waits for room."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, lossless: bool = True) -> None:
        self._loop, self._lossless = loop, lossless
        self.received: Counter[str] = Counter()
        """Event type → how many were put."""
        self.lost: Counter[str] = Counter()
        """Event type → how many found no room."""
        self._events: deque[SyscallEvent] = deque()
        self._notified = False
        self._not_full = threading.Event()
        self.arrived = asyncio.Event()
        """Set when there is something to take, or when the writer has ended."""
        self.ended = False
        self.abandoned = False
        """The reader has stopped: what is written is dropped."""

    def put(self, event: SyscallEvent) -> None:
        """Append an event, as soon as there is room or not at all. Called by the tracer thread."""
        if not self._lossless and len(self._events) >= MAX_EVENTS:
            self.lost[event.type] += 1
            return
        self.received[event.type] += 1
        while len(self._events) >= MAX_EVENTS and not self.abandoned:
            self._not_full.clear()
            self._notify()
            self._not_full.wait(_FULL_TIMEOUT)
        self._events.append(event)
        if not self._notified:
            self._notify()

    def end(self) -> None:
        """The writer has ended."""
        self.ended = True
        self._notify()

    def take(self, most: int) -> list[SyscallEvent]:
        """Remove up to `most` events. Called by the loop."""
        self._notified = False
        self.arrived.clear()
        events = self._events
        batch = [events.popleft() for _ in range(min(most, len(events)))]
        if events or self.ended:
            self.arrived.set()
        self._not_full.set()
        return batch

    @property
    def is_empty(self) -> bool:
        """Whether every event has been taken."""
        return not self._events

    def _notify(self) -> None:
        self._notified = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.arrived.set)
