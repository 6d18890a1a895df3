"""Bounded queue from the tracer thread to the event loop.

If it is full, the tracer waits, and the traced program with it (backpressure); or the event is dropped and counted.
Programs that mozu itself may wait for must not wait for mozu.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from mozu.core.api import CallVerdict
from mozu.core.model.event import SyscallEvent

MAX_EVENTS: Final = 20_000
_FULL_TIMEOUT: Final = 0.1
"""Seconds after which a waiting writer checks again if the queue is abandoned."""


class AskedCall:
    """A question if a call may run, and its answer."""

    def __init__(self, event: SyscallEvent) -> None:
        self.event = event
        self.is_denied = True
        """True until it is answered."""
        self.answered = threading.Event()


class EventQueue:
    """Queue with one writer (the tracer thread) and one reader (the loop). `lossless`: the writer waits if it is
    full."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, lossless: bool = True) -> None:
        self._loop, self._lossless = loop, lossless
        self.received: Counter[str] = Counter()
        """Number of events put, by type."""
        self.lost: Counter[str] = Counter()
        """Number of events dropped because the queue was full, by type."""
        self._events: deque[SyscallEvent] = deque()
        self._notified = False
        self._question: AskedCall | None = None
        self.asked = asyncio.Event()
        """Event that is set while the writer waits for an answer."""
        self._not_full = threading.Event()
        self.arrived = asyncio.Event()
        """Event that is set if there are events to take, or the writer has ended."""
        self.ended = False
        self.abandoned = False
        """True if the reader has stopped: events are dropped."""

    def put(self, event: SyscallEvent) -> None:
        """Append an event; if the queue is full, wait or drop it. Called by the tracer thread."""
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

    def ask(self, event: SyscallEvent) -> bool:
        """Return True if this event's call is denied: answered once all events before it were taken and processed.
        Called by the tracer thread, which waits."""
        question = self._question = AskedCall(event)
        self._call(self.asked.set)
        self._notify()
        while not question.answered.wait(_FULL_TIMEOUT):
            if self.abandoned or self._loop.is_closed():
                break
        self._question = None
        return question.is_denied

    def answer(self, judge: Callable[[SyscallEvent], CallVerdict]) -> None:
        """Answer the question, if all events before it were taken. Called by the loop, after it has processed them."""
        question = self._question
        if question is None or self._events or not self.asked.is_set():
            return
        self.asked.clear()
        try:
            question.is_denied = judge(question.event).denied
        finally:
            question.answered.set()

    def end(self) -> None:
        """Note that the writer has ended."""
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
        """Return whether every event has been taken."""
        return not self._events

    def _notify(self) -> None:
        self._notified = True
        self._call(self.arrived.set)

    def _call(self, function: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)
