"""Thread pool and worker thread: threads of a component's own for calls that may block or hang.

asyncio's executor is not used: there a call would wait for the slow calls of others, and asyncio joins its threads at
the end. These are daemon threads: one that hangs does not keep the process from ending.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from mozu.core.cpu_wait import timeout

T = TypeVar("T")

_OF_GENERATORS: Final = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions that end a generator, or a coroutine, into which they are raised."""
_BACKLOG: Final = 64
"""The most waiting calls per thread of a pool; further ones are refused."""


class ThreadPool:
    """A pool of at most `size` threads, spawned on demand, with a bounded backlog. A thread that hangs is not
    replaced."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._calls: _Calls = queue.SimpleQueue()
        self._threads = 0
        self._pending = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], T], timeout_seconds: float) -> T:
        """Return the result of `call()`, made on one of the threads; the call is skipped if the caller has been
        cancelled by then.

        Raises what the call raises, TimeoutError after `timeout_seconds`, CPU wait aside, and BlockingIOError
        immediately if too many calls wait already.
        """
        if self._pending >= _BACKLOG * self._size:
            raise BlockingIOError(f"the threads of {self._name} are all busy and {self._pending} calls wait")
        entry = _Call(call, skip_if_cancelled=True, done=self._done)
        with self._lock:
            self._pending += 1
        self._calls.put(entry)
        if self._threads < min(self._size, self._pending):
            self._spawn_worker()
        async with timeout(timeout_seconds):
            result: T = await entry.future
            return result

    def stop(self) -> None:
        """Let the threads end that do not hang."""
        for _ in range(self._threads):
            self._calls.put(None)
        self._threads = 0

    def _spawn_worker(self) -> None:
        self._threads += 1
        _spawn(f"mozu-{self._name}-{self._threads}", self._calls)

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1


class WorkerThread:
    """A thread that makes one call at a time, in order, with an unbounded queue."""

    def __init__(self, name: str) -> None:
        self._calls: _Calls = queue.SimpleQueue()
        _spawn(name, self._calls)

    async def run(self, call: Callable[[], T]) -> T:
        """Return the result of `call()`, made on the thread. The call is made even if the caller is cancelled
        meanwhile."""
        result: T = await self.submit(call)
        return result

    def submit(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the call made after the earlier ones; the future need not be awaited."""
        entry = _Call(call, skip_if_cancelled=False)
        self._calls.put(entry)
        return entry.future

    def close(self) -> None:
        """Let the thread end after the waiting calls."""
        self._calls.put(None)


class _Call:
    """A call on its way to a thread, and its result on the way back to the loop."""

    def __init__(
        self, call: Callable[[], Any], *, skip_if_cancelled: bool, done: Callable[[], None] = lambda: None
    ) -> None:
        self._call, self._skip_if_cancelled, self._done = call, skip_if_cancelled, done
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def make(self) -> None:
        """Make the call, on a thread. Raises nothing."""
        result, error = None, None
        if not (self._skip_if_cancelled and self.future.cancelled()):
            try:
                result = self._call()
            except BaseException as raised:  # noqa: BLE001  set as the exception of the future that the caller awaits
                error = raised
        self._done()
        try:
            self._loop.call_soon_threadsafe(self._set, result, error)
        except RuntimeError:  # the loop has closed: no caller waits any more
            return

    def _set(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        elif isinstance(error, _OF_GENERATORS):  # as Python does where one would end the wrong generator
            self.future.set_exception(RuntimeError(f"the call raised {type(error).__name__}"))
        else:
            self.future.set_exception(error)


_Calls = queue.SimpleQueue[_Call | None]


def _spawn(name: str, calls: "_Calls") -> None:
    threading.Thread(target=_serve, args=(calls,), name=name, daemon=True).start()


def _serve(calls: "_Calls") -> None:
    while (entry := calls.get()) is not None:
        entry.make()
