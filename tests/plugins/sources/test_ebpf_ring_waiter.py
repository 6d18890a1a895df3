"""Waits between two drains, on a clock of their own; an event counter stands for the ring buffer."""

import asyncio
import os
import struct
from collections.abc import Callable, Coroutine
from typing import Final

import pytest

from mozu.core.testing import virtual_clock as virtual_time
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.ring import (
    EXACT_DRAINS,
    EXACT_INTERVAL,
    IDLE_SECONDS,
    MAX_BATCH,
    MAX_POLL_INTERVAL,
    FlowMap,
    RingWaiter,
)

_SIZE: Final = 8 << 20


class Ring:
    """Ring buffer, the map beside it, and the programs that write."""

    def __init__(self) -> None:
        self.wakeups = os.eventfd(0, os.EFD_NONBLOCK)
        self.map = os.memfd_create("flow")
        os.ftruncate(self.map, 4096)
        self.flow = FlowMap(self.map, _SIZE)
        self.bytes = 0

    def word(self, member: str) -> int:
        return int(struct.unpack("<I", os.pread(self.map, 4, wire.place("flow", member).offset))[0])

    def write(self, *, exact: bool = False) -> None:
        """Write a record and wake the reader like `wake_up` of bpf/accounts.h."""
        self.bytes += 100
        if exact and self.word("wants_exact"):
            os.pwrite(self.map, bytes(4), wire.place("flow", "wants_exact").offset)
            os.eventfd_write(self.wakeups, 1)
        elif self.word("waits"):
            os.eventfd_write(self.wakeups, 1)


def waits(check: Callable[[Ring, RingWaiter], Coroutine[None, None, None]]) -> None:
    async def scene() -> None:
        ring = Ring()
        waiter = RingWaiter(ring.wakeups, _SIZE, ring.flow, lambda: ring.bytes)
        await asyncio.sleep(1)
        try:
            await check(ring, waiter)
        finally:
            waiter.close()

    virtual_time.run(scene())


async def seconds(waiter: RingWaiter, drained: int, *, busy: bool = False) -> float:
    """Return the seconds of the wait after a drain."""
    loop = asyncio.get_running_loop()
    waiter.before_drain()
    before = loop.time()
    await waiter.after_drain(drained, busy=busy)
    return loop.time() - before


def later(delay: float, act: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(delay, act)


def test_a_full_batch_is_followed_by_the_next_drain_at_once() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        assert await seconds(waiter, MAX_BATCH) == 0

    waits(check)


def test_records_that_are_no_exact_match_coalesce() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.001, ring.write)
        assert pytest.approx(MAX_POLL_INTERVAL) == await seconds(waiter, 100)

    waits(check)


def test_a_record_that_came_alone_is_followed_by_a_wait_for_the_next() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.3, ring.write)
        assert pytest.approx(0.3 + MAX_POLL_INTERVAL) == await seconds(waiter, 1)
        assert pytest.approx(MAX_POLL_INTERVAL) == await seconds(waiter, 100)

    waits(check)


def test_an_exact_match_ends_the_wait_and_the_next_drains_are_soon() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.001, lambda: ring.write(exact=True))
        assert pytest.approx(0.001) == await seconds(waiter, 1)
        soon = [await seconds(waiter, 1) for _ in range(EXACT_DRAINS)]
        assert [pytest.approx(EXACT_INTERVAL)] * EXACT_DRAINS == soon
        assert pytest.approx(MAX_POLL_INTERVAL) == await seconds(waiter, 1)

    waits(check)


def test_while_drains_are_soon_an_exact_match_wakes_no_one() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.001, lambda: ring.write(exact=True))
        await seconds(waiter, 1)
        waiter.before_drain()
        assert ring.word("wants_exact") == 0

    waits(check)


def test_an_exact_match_that_comes_while_a_batch_is_at_work_does_not_wait() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        waiter.before_drain()
        ring.write(exact=True)
        before = asyncio.get_running_loop().time()
        await waiter.after_drain(1, busy=False)
        assert before == asyncio.get_running_loop().time()

    waits(check)


def test_without_records_it_waits_for_any_and_then_for_company() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.3, ring.write)
        assert pytest.approx(0.3 + MAX_POLL_INTERVAL) == await seconds(waiter, 0)
        assert ring.word("waits") == 0

    waits(check)


def test_a_record_that_woke_no_one_is_found_soon() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        def unseen() -> None:
            ring.bytes += 100

        later(0.001, unseen)
        assert await seconds(waiter, 0) < 3 * MAX_POLL_INTERVAL

    waits(check)


def test_with_nothing_to_do_it_wakes_once_a_second() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        await seconds(waiter, 0)
        assert [pytest.approx(IDLE_SECONDS)] * 2 == [await seconds(waiter, 0) for _ in range(2)]

    waits(check)


def test_a_record_that_comes_between_two_long_waits_wakes_it() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        await seconds(waiter, 0)
        assert ring.word("waits") == 1
        ring.write()
        assert pytest.approx(MAX_POLL_INTERVAL) == await seconds(waiter, 0)
        assert ring.word("waits") == 0

    waits(check)


def test_a_stop_ends_the_wait() -> None:
    async def check(ring: Ring, waiter: RingWaiter) -> None:
        later(0.1, waiter.interrupt)
        assert pytest.approx(0.1 + MAX_POLL_INTERVAL) == await seconds(waiter, 0)

    waits(check)
