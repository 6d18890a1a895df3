"""From the thread that traces to the loop: a bounded queue. When it is full, thread and program wait."""

import asyncio
import threading
from collections import deque
from typing import Final

from mozu.core.model.event import SyscallEvent

LIMIT: Final = 20_000
_PATIENCE: Final = 0.1


class Outbox:
    """One writer, one reader."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[SyscallEvent] = deque()
        self._told = False
        self._room = threading.Event()
        self.arrived = asyncio.Event()
        """Set when there is something to take, or when the writer has ended."""
        self.ended = False
        self.abandoned = False
        """Nobody reads any more: what is written is lost with the program."""

    def put(self, event: SyscallEvent) -> None:
        """Called by the tracing thread; may wait."""
        while len(self._events) >= LIMIT and not self.abandoned:
            self._room.clear()
            self._tell()
            self._room.wait(_PATIENCE)
        self._events.append(event)
        if not self._told:
            self._tell()

    def end(self) -> None:
        """The writer has ended."""
        self.ended = True
        self._tell()

    def take(self, most: int) -> list[SyscallEvent]:
        """Up to so many events; called by the loop."""
        self._told = False
        self.arrived.clear()
        events = self._events
        batch = [events.popleft() for _ in range(min(most, len(events)))]
        if events or self.ended:
            self.arrived.set()
        self._room.set()
        return batch

    @property
    def is_empty(self) -> bool:
        """Whether everything has been taken."""
        return not self._events

    def _tell(self) -> None:
        self._told = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.arrived.set)
