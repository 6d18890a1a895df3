"""The map FLOW in memory (struct flow of bpf/accounts.h): the fill from which accounts pay, and records that wake the
reader."""

import mmap
import secrets
import struct
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall, filter_layout

RESERVE: Final = 8
"""Divisor of the ring buffer's size: the part reserved for lifecycle events and exact matches."""
WATERMARK: Final = 2
"""Divisor of the ring buffer's size: below this fill no event is refused."""
ENTITLEMENT: Final = 512
"""Divisor of the ring buffer's size: the part of the reserve for each process."""
TAB_PART: Final = filter_layout.constant("TAB_PART")
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
        secret = filter_layout.place("flow", "secret")
        self._memory[secret.offset : secret.offset + 2 * secret.size] = secrets.token_bytes(2 * secret.size)
        self._words = memoryview(self._memory).cast("I")
        self._longs = memoryview(self._memory).cast("Q")
        self._consumed = filter_layout.place("flow", "consumed").offset // 8
        self._generation, self._keeps_paths = (
            filter_layout.place("flow", member).offset // 4 for member in ("generation", "keeps_paths")
        )
        self._waits, self._wants_exact = (
            filter_layout.place("flow", member).offset // 4 for member in ("waits", "wants_exact")
        )

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
    found = filter_layout.constant("MOST_TABS")
    while found > 1 and found * owed * cpus > ring_size // UNCHARGED:
        found //= 2
    return int(found)
