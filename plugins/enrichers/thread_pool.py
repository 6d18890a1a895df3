"""A few threads of one's own for calls that may block or hang: a name service that is away, a container's file system.

Not those of asyncio's executor: there, whoever else is slow would be waited for. They are daemon threads: one that
hangs keeps nobody from stopping.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_BACKLOG = 64
"""Calls per thread that may wait; more are refused."""


class Crew:
    """At most `size` threads, started when they are needed. One that hangs is lost, and not replaced."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = 0
        self._pending = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], T], patience: float) -> T:
        """The result of a call made on one of the threads. Raises what the call raises, TimeoutError after `patience`
        seconds, and BlockingIOError at once where too many calls wait already."""
        if self._pending >= _BACKLOG * self._size:
            raise BlockingIOError(f"the threads of {self._name} are all busy and {self._pending} calls wait")
        future: Future[T] = Future()
        wrapped = asyncio.wrap_future(future)
        with self._lock:
            self._pending += 1
        self._jobs.put(lambda: self._work(future, call))
        if self._threads < min(self._size, self._pending):
            self._hire()
        async with asyncio.timeout(patience):
            return await wrapped

    def stop(self) -> None:
        """Let the threads end that are not hanging."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _hire(self) -> None:
        self._threads += 1
        threading.Thread(target=self._serve, name=f"mozu-{self._name}-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _work(self, future: "Future[Any]", call: Callable[[], Any]) -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001  it goes to whoever awaits the call
                future.set_exception(error)
        with self._lock:
            self._pending -= 1
