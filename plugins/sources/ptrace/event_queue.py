"""Bounded queue from the tracer thread to the event loop.

Where it is full, the tracer waits, and the traced program with it (backpressure); or the event is dropped and counted.
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
"""Seconds after which a waiting writer checks again whether the queue is abandoned."""


class AskedCall:
    """Whether a call may run, and the answer."""

    def __init__(self, event: SyscallEvent) -> None:
        self.event = event
        self.is_denied = True
        """Until it is answered."""
        self.answered = threading.Event()


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
        self._question: AskedCall | None = None
        self.asked = asyncio.Event()
        """Set while the writer waits for an answer."""
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

    def ask(self, event: SyscallEvent) -> bool:
        """Whether the call that this event stands for is denied: answered once everything that was put has been taken,
        and processed. Called by the tracer thread, which waits."""
        question = self._question = AskedCall(event)
        self._call(self.asked.set)
        self._notify()
        while not question.answered.wait(_FULL_TIMEOUT):
            if self.abandoned or self._loop.is_closed():
                break
        self._question = None
        return question.is_denied

    def answer(self, judge: Callable[[SyscallEvent], CallVerdict]) -> None:
        """Answer what is asked, if all events before it were taken. Called by the loop, after it has processed them."""
        question = self._question
        if question is None or self._events or not self.asked.is_set():
            return
        self.asked.clear()
        try:
            question.is_denied = judge(question.event).denied
        finally:
            question.answered.set()

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
        self._call(self.arrived.set)

    def _call(self, function: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)
