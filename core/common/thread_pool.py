"""Thread pool and worker thread: threads of a component's own for calls that may block or hang.

asyncio's executor is not used: there a call would wait for the slow calls of others, and asyncio joins its threads at
the end. These are daemon threads: one that hangs does not keep the process from ending.
"""

import asyncio
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from mozu.core.cpu_wait import timeout

T = TypeVar("T")

_OF_GENERATORS: Final = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions that end a generator, or a coroutine, into which they are raised."""
_BACKLOG: Final = 64
"""The most waiting calls per thread of a pool; further ones are refused."""
_MOST_HUNG: Final = 64
"""The most threads of a pool that hang and are replaced."""
_ANY: Final = "any"
"""The lane of all calls."""


class ThreadPool:
    """A pool of at most `size` threads, spawned on demand, with a bounded backlog.

    A thread hangs if its caller has been cancelled and its call has not returned; up to `_MOST_HUNG` of these are
    replaced. Calls may name lanes, the things they could hang on, such as `device 0:54` or `user 1000`. The calls of
    one lane take at most half of the threads.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._share = max(1, size // 2)
        self._changed = threading.Condition()
        """Guards the following."""
        self._waiting: deque[_Call] = deque()
        self._running: Counter[str] = Counter()
        self._hung: set[_Call] = set()
        self._stuck: set[_Call] = set()
        """Calls that hang on threads that are not replaced any more."""
        self._threads = self._spawned = 0
        self._is_stopped = False

    async def run(self, call: Callable[[], T], timeout_seconds: float | None, lanes: Iterable[str] = ()) -> T:
        """Return the result of `call()`, made on one of the threads; the call is skipped if the caller has been
        cancelled by then.

        Raises what the call raises, TimeoutError after `timeout_seconds`, CPU wait aside (None: never), and
        BlockingIOError immediately if too many calls wait already, if as many calls of a lane hang as it may have
        threads, or if every thread hangs and none is replaced any more.
        """
        entry = _Call(call, skip_if_cancelled=True, lanes=frozenset(lanes))
        with self._changed:
            self._refuse(entry)
            self._is_stopped = False
            self._waiting.append(entry)
            self._spawn_worker()
            self._changed.notify()
        try:
            async with nullcontext() if timeout_seconds is None else timeout(timeout_seconds):
                result: T = await entry.future
                return result
        finally:
            self._leave(entry)

    def stop(self) -> None:
        """End the threads that do not hang, after the waiting calls."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _refuse(self, entry: "_Call") -> None:
        """Raise BlockingIOError if the call may not wait."""
        pending = len(self._waiting) + self._running[_ANY] - len(self._hung)
        if pending >= _BACKLOG * self._size:
            raise BlockingIOError(f"the threads of {self._name} are all busy and {pending} calls wait")
        if len(self._stuck) >= self._size:
            hanging_calls = len(self._hung) + len(self._stuck)
            raise BlockingIOError(f"{hanging_calls} calls of {self._name} hang, and no other is made")
        hanging = Counter(lane for one in self._hung for lane in one.lanes & entry.lanes)
        for lane, count in hanging.items():
            if count >= self._share:
                raise BlockingIOError(f"{count} calls of {self._name} hang at {lane}, and no other is made there")

    def _spawn_worker(self) -> None:
        """Start one more thread if a call waits for one, or if a thread that hangs is to be replaced."""
        wanted = min(self._size, len(self._waiting) + self._running[_ANY] - len(self._hung))
        if self._threads - len(self._hung) < wanted:
            self._threads += 1
            self._spawned += 1
            name = f"mozu-{self._name}-{self._spawned}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _leave(self, entry: "_Call") -> None:
        """Forget a call whose caller waits no longer; if it is being made, it hangs."""
        with self._changed:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._changed.notify_all()
            elif entry.is_running and entry.future.cancelled():
                (self._hung if len(self._hung) < _MOST_HUNG else self._stuck).add(entry)
                self._spawn_worker()

    def _serve(self) -> None:
        """Make calls, on a thread of the pool, until the thread is to end."""
        while (entry := self._next()) is not None:
            entry.make()
            with self._changed:
                entry.is_running = False
                self._running.subtract((_ANY, *entry.lanes))
                self._running = +self._running
                self._hung.discard(entry)
                self._stuck.discard(entry)
                self._changed.notify_all()

    def _next(self) -> "_Call | None":
        """Wait for a call that may be made, and return it; None if the thread was replaced or the pool stops."""
        with self._changed:
            while True:
                if self._threads - len(self._hung) > self._size or (self._is_stopped and not self._waiting):
                    self._threads -= 1
                    return None
                entry = next(filter(self._may_begin, self._waiting), None)
                if entry is not None:
                    self._waiting.remove(entry)
                    entry.is_running = True
                    self._running.update((_ANY, *entry.lanes))
                    return entry
                self._changed.wait()

    def _may_begin(self, entry: "_Call") -> bool:
        return all(self._running[lane] < self._share for lane in entry.lanes)


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
        self, call: Callable[[], Any], *, skip_if_cancelled: bool, lanes: frozenset[str] = frozenset()
    ) -> None:
        self._call, self._skip_if_cancelled, self.lanes = call, skip_if_cancelled, lanes
        self.is_running = False
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
