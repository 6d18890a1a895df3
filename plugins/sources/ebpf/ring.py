"""The BPF ring buffer, the fill from which accounts pay, and the wait for records.

`RingBuffer` reads BPF_MAP_TYPE_RINGBUF in place through mmap. The map is mapped twice: one page with the consumer's
position (writable), then one with the producer's and the data. The kernel offers the data a second time behind its end,
so that no record is split there; that copy would count as memory of this process, page for page, so it is not mapped,
and the few split records are joined. A record is a 32-bit length with two flag bits, 32 bits of the kernel, and the
data, rounded up to 8 bytes. A record with the busy bit is still being written; nothing behind it may be read.

`RingWaiter` waits between two drains: for a time, an exact match, or any record. A ring buffer's descriptor is readable
while there are records in it, so that a loop would return from every wait. A separate epoll, edge-triggered, is
readable from a wake-up on (bpf/accounts.h, `wake_up`) until it is read.

A wake-up costs about a quarter of a millisecond, mostly because the watched processes have replaced the caches, and a
record that wakes costs its writer more than one that does not. Wake-ups are therefore coalesced, over an interval that
follows the rate of records. Exact matches (struct syscall_ctx of bpf/syscall_ctx.h) wake the reader at once, and once:
then it drains every EXACT_INTERVAL for a while without being woken. Records that come less often than drains would (on
a nearly idle machine) are drained once, and the next record is waited for, whenever it comes.
"""

import asyncio
import mmap
import secrets
import select
import struct
from collections.abc import Callable
from typing import Final, TypeVar

from mozu.core.common.ticks import until_tick
from mozu.plugins.sources.ebpf import bpf_syscall, wire

_BUSY: Final = 1 << 31
_DISCARDED: Final = 1 << 30
_LENGTH: Final = _DISCARDED - 1
_RECORD_HEAD: Final = 8

T = TypeVar("T")


class RingBuffer:
    """Reader of one ring buffer. `size` in bytes, a power of two of at least a page."""

    def __init__(self, fd: int, size: int) -> None:
        page = mmap.PAGESIZE
        self.fd = fd
        self._mask = size - 1
        self._page = page
        self._consumer = mmap.mmap(fd, page, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=0)
        self._data = mmap.mmap(fd, page + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        self._own = memoryview(self._consumer).cast("Q")
        self._whole = memoryview(self._data)
        self._positions = self._whole.cast("Q")
        self._lengths = self._whole.cast("I")

    def pending(self) -> int:
        """Return the number of written and unread bytes."""
        return self._positions[0] - self._own[0]

    @property
    def producer_position(self) -> int:
        """End of the written records, in bytes since the start."""
        return self._positions[0]

    @property
    def consumer_position(self) -> int:
        """End of the read records, in bytes since the start."""
        return self._own[0]

    def drain(self, take: Callable[[bytes], T | None], limit: int) -> list[T]:
        """Call `take` for up to `limit` records, then free their space (the consumer position). Return its results
        except None, in order."""
        lengths, data, mask, page = self._lengths, self._data, self._mask, self._page
        data_end = page + mask + 1
        at, end = self._own[0], self._positions[0]
        taken: list[T] = []
        for _ in range(limit):
            if at >= end:
                break
            offset = page + (at & mask)
            length = lengths[offset >> 2]
            if length & _BUSY:
                break
            if length < _DISCARDED:
                end_of_record = offset + _RECORD_HEAD + length
                whole = end_of_record <= data_end
                start = offset + _RECORD_HEAD
                value = take(data[start:end_of_record] if whole else self._joined(start, length))
                if value is not None:
                    taken.append(value)
            at += ((length & _LENGTH) + _RECORD_HEAD + 7) & ~7
        self._own[0] = at
        return taken

    def _joined(self, at: int, length: int) -> bytes:
        """Return the data of a record that continues at the beginning; its header is whole, since both are multiples of
        8."""
        head = self._data[at : self._page + self._mask + 1]
        return head + self._data[self._page : self._page + length - len(head)]

    def close(self) -> None:
        """Unmap the memory."""
        for view in (self._positions, self._lengths, self._whole, self._own):
            view.release()
        self._data.close()
        self._consumer.close()


MIN_POLL_INTERVAL: Final = 0.002
"""Least seconds between two drains."""
MAX_POLL_INTERVAL: Final = 0.012
"""Most seconds between two drains while few records come: together with the work on a batch, at most 20 ms."""
EXACT_INTERVAL: Final = 0.002
"""Seconds between two drains after an exact match."""
EXACT_DRAINS: Final = 10
"""Number of drains at EXACT_INTERVAL after an exact match."""
COALESCED: Final = 250
"""Number of events that a drain waits for: mozu's work on them is a few milliseconds."""
MAX_BATCH: Final = 500
"""Most events of one drain. A full one means that more are waiting: no pause."""
MAX_INGRESS_RATE: Final = 160e6
"""Most bytes per second that a burst may write. If they fill the ring buffer sooner, MAX_POLL_INTERVAL is shortened."""


def max_poll_interval(ring_size: int) -> float:
    """Return the seconds in which a burst cannot fill a ring buffer of so many bytes, within the two bounds."""
    return max(MIN_POLL_INTERVAL, min(MAX_POLL_INTERVAL, ring_size / MAX_INGRESS_RATE))


def poll_interval(drained: int, seconds: float, longest: float) -> float:
    """Return the seconds to the next drain, after one that returned the events of `seconds`. `longest`:
    `max_poll_interval`."""
    if drained >= MAX_BATCH:
        return 0
    return max(MIN_POLL_INTERVAL, min(longest, COALESCED * seconds / max(drained, 1)))


RESERVE: Final = 8
"""Divisor of the ring buffer's size: the part reserved for lifecycle events and exact matches."""
WATERMARK: Final = 2
"""Divisor of the ring buffer's size: below this fill no event is refused."""
ENTITLEMENT: Final = 512
"""Divisor of the ring buffer's size: the part of the reserve for each process."""
TAB_PART: Final = wire.map_constant("TAB_PART")
"""Divisor of that part: the debt of a process on a CPU before its accounts are charged."""
UNCHARGED: Final = 16
"""Divisor of the ring buffer's size: the most that all processes may owe together."""
UNASKED: Final = 4
"""Divisor of the free part below the watermark: the most that all CPUs may write together before they check again."""
_HEAD: Final = struct.Struct("<QQQQII")
"""Members watermark, limit, reserved, seed, tabs, asks."""


class FlowMap:
    """Writer of the map. `fd`: its descriptor; `ring_size` in bytes."""

    def __init__(self, fd: int, ring_size: int) -> None:
        self._memory = mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        limit = ring_size - ring_size // RESERVE
        seed = secrets.randbits(64)
        reserved = ring_size // ENTITLEMENT
        cpus = bpf_syscall.possible_cpus()
        tabs, asks = tabs_of_each_cpu(ring_size, cpus), (cpus * UNASKED - 1).bit_length()
        _HEAD.pack_into(self._memory, 0, ring_size // WATERMARK, limit, reserved, seed, tabs - 1, asks)
        secret = wire.place("flow", "secret")
        self._memory[secret.offset : secret.offset + 2 * secret.size] = secrets.token_bytes(2 * secret.size)
        self._words = memoryview(self._memory).cast("I")
        self._longs = memoryview(self._memory).cast("Q")
        self._consumed = wire.place("flow", "consumed").offset // 8
        self._generation, self._keeps_paths = (
            wire.place("flow", member).offset // 4 for member in ("generation", "keeps_paths")
        )
        self._waits, self._wants_exact = (wire.place("flow", member).offset // 4 for member in ("waits", "wants_exact"))

    def set_consumed(self, position: int) -> None:
        """Store the reader's position (`RingBuffer.consumer_position`)."""
        self._longs[self._consumed] = position

    def wait_for_any(self, *, waits: bool) -> None:
        """Set if the next record of any kind wakes the reader."""
        self._words[self._waits] = waits

    def wait_for_exact(self) -> None:
        """Let the next exact match wake the reader, once."""
        self._words[self._wants_exact] = 1

    def recognise(self, generation: int, *, keeps_paths: bool) -> None:
        """Let the kernel recognise calls by verdicts of this generation only; 0 for none."""
        self._words[self._generation] = 0
        self._words[self._keeps_paths] = keeps_paths
        self._words[self._generation] = generation

    def set_watermark(self, fill: int) -> None:
        """Set the fill of the ring buffer, in bytes, from which accounts pay."""
        self._memory[:8] = fill.to_bytes(8, "little")

    @property
    def exact_came(self) -> bool:
        """True if an exact match has come since `wait_for_exact`."""
        return not self._words[self._wants_exact]

    def close(self) -> None:
        """Unmap the memory."""
        self._words.release()
        self._longs.release()
        self._memory.close()


def tabs_of_each_cpu(ring_size: int, cpus: int) -> int:
    """Return the number of tabs of each CPU, a power of two."""
    owed = ring_size // ENTITLEMENT // TAB_PART
    found = wire.map_constant("MOST_TABS")
    while found > 1 and found * owed * cpus > ring_size // UNCHARGED:
        found //= 2
    return int(found)


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
