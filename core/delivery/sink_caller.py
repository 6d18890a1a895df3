"""Calls of a sink's methods: on the event loop, or on a thread of its own if the sink blocks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mozu.core.api import Sink
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.isolation.deadline import STOP_SECONDS, within
from mozu.core.isolation.isolated import Isolated

T = TypeVar("T")


class SinkCaller:
    """Caller of one sink's methods, from its start to its stop. One call at a time."""

    def __init__(self, sink: Isolated[Sink]) -> None:
        self.sink = sink
        self._thread = WorkerThread(f"mozu-{sink.name}") if sink.blocking else None
        self._busy_since: float | None = None
        self._clock: Callable[[], float] = time.monotonic
        """The loop's clock, which may be read on any thread."""

    async def start(self) -> None:
        """Start the sink within its time. Raises what the sink raises, and DeadlineExceeded."""
        await within(self.sink, "start", self.sink.start_seconds, lambda: self.call(self.sink.component.start))

    def busy(self) -> float:
        """Return the seconds that the call under way has taken so far. On any thread: a forced end asks on another."""
        return 0.0 if self._busy_since is None else self._clock() - self._busy_since

    async def call(self, call: Callable[[], Awaitable[T] | T]) -> T:
        """Call a method of the sink and return its result. Raises the method's errors."""
        self._clock = asyncio.get_running_loop().time
        self._busy_since = self._clock()
        try:
            made = call() if self._thread is None else await self._thread.run(call)
            result = await made if isinstance(made, Awaitable) else made
        except BaseException as error:
            if self._thread is None or isinstance(error, Exception):
                self._busy_since = None  # on cancellation the thread may still be in the call
            raise
        self._busy_since = None
        return result

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the sink within this time; a sink whose last call has not returned is abandoned."""
        with self.sink.contained("stop"):
            if self._busy_since is None:
                await within(self.sink, "stop", seconds, lambda: self.call(self.sink.component.stop))
        if self._thread is not None:
            self._thread.close()
