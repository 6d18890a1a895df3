"""Waiting between two drains of the ring buffer: for a time (poll_interval.py), an exact match, or any record.

A ring buffer's descriptor is readable while there are records in it, so that a loop would return from every wait. A
separate epoll, edge-triggered, is readable from a wake-up on (bpf/accounts.h, `wake_up`) until it is read. Each wait
that ends costs some 0.2 ms of CPU if the process had rested. Records that come less often than drains would (on a
nearly idle machine) are drained once, and the next record is waited for, whenever it comes.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Final

from mozu.core.common.ticks import until_tick
from mozu.plugins.sources.ebpf.flow_map import FlowMap
from mozu.plugins.sources.ebpf.poll_interval import (
    EXACT_DRAINS,
    EXACT_INTERVAL,
    MAX_BATCH,
    max_poll_interval,
    poll_interval,
)

IDLE_SECONDS: Final = 1.0
"""Longest wait without records; it ends with the other timers of that length (ticks.py)."""


class RingWaiter:
    """Waiter for one ring buffer of `size` bytes, on the event loop. `pending` returns the written and unread bytes."""

    def __init__(self, fd: int, size: int, flow: FlowMap, pending: Callable[[], int]) -> None:
        self._flow, self._pending, self._longest = flow, pending, max_poll_interval(size)
        self._loop = asyncio.get_running_loop()
        self._wakeups = select.epoll()
        self._wakeups.register(fd, select.EPOLLIN | select.EPOLLET)
        self._loop.add_reader(self._wakeups.fileno(), self._woken)
        self._waiting: asyncio.Future[bool] | None = None
        self._quick = 0
        """Remaining drains at short intervals after an exact match."""
        self._is_armed = False
        """True if any record wakes the reader."""
        self._drained_at = self._loop.time()

    def before_drain(self) -> None:
        """Let the next exact match end a wait, including one that comes during the work on a batch."""
        if not self._quick:
            self._flow.wait_for_exact()

    async def after_drain(self, drained: int, *, busy: bool) -> None:
        """Wait until the next drain. `drained`: events of the last one; `busy`: there is work that does not wait for
        records."""
        now = self._loop.time()
        since, self._drained_at = now - self._drained_at, now
        is_sparse = drained * self._longest <= since
        if drained >= MAX_BATCH:
            self._arm(armed=False)
            await asyncio.sleep(0)
        elif busy or not is_sparse or (drained and self._quick):
            self._arm(armed=False)
            await self._coalesce(drained, since)
        else:
            await self._wait_for_any()

    def interrupt(self) -> None:
        """End the wait."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    def close(self) -> None:
        """Close the epoll."""
        self._loop.remove_reader(self._wakeups.fileno())
        self._wakeups.close()

    def _woken(self) -> None:
        self._wakeups.poll(0)
        self.interrupt()

    async def _coalesce(self, drained: int, since: float) -> None:
        seconds = poll_interval(drained, since, self._longest)
        if self._quick:
            self._quick -= 1
            await self._sleep(min(seconds, EXACT_INTERVAL))
        elif self._flow.exact_came or await self._sleep(seconds):
            self._quick = EXACT_DRAINS

    async def _wait_for_any(self) -> None:
        if self._quick:
            self._quick = 0
            self._flow.wait_for_exact()
        came = bool(self._pending())
        if not came and not self._is_armed:
            self._arm(armed=True)
            # A program that has checked just before does not wake the reader, so the first wait is short.
            came = bool(self._pending()) or await self._sleep(self._longest) or bool(self._pending())
        if came or await self._sleep(until_tick(self._loop.time(), IDLE_SECONDS)):
            self._arm(armed=False)
            await self._coalesce(1, self._longest)

    def _arm(self, *, armed: bool) -> None:
        if armed != self._is_armed:
            self._flow.wait_for_any(waits=armed)
            self._is_armed = armed
            self._wakeups.poll(0)  # a wake-up by a record that has been seen ends no later wait

    async def _sleep(self, seconds: float) -> bool:
        """Sleep for this time; return True if woken before."""
        self._waiting = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._wait_ends)
        try:
            return await self._waiting
        finally:
            timer.cancel()
            self._waiting = None

    def _wait_ends(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(False)
