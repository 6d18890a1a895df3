"""Bounded queue from the tracer thread to the event loop. Backpressure: when it is full, tracer and program wait."""

import asyncio
import threading
from collections import deque
from typing import Final

from mozu.core.model.event import SyscallEvent

MAX_EVENTS: Final = 20_000
_FULL_TIMEOUT: Final = 0.1
"""Seconds after which a waiting writer checks again whether the queue is abandoned."""


class EventQueue:
    """One writer (the tracer thread), one reader (the loop)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[SyscallEvent] = deque()
        self._notified = False
        self._not_full = threading.Event()
        self.arrived = asyncio.Event()
        """Set when there is something to take, or when the writer has ended."""
        self.ended = False
        self.abandoned = False
        """The reader has stopped: what is written is dropped."""

    def put(self, event: SyscallEvent) -> None:
        """Append an event; waits while the queue is full. Called by the tracer thread."""
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
