"""The map FLOW in memory (struct flow of bpf/accounts.h): from which fill on accounts pay, and when a record wakes."""

import mmap
import secrets
import struct
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall, filter_layout

RESERVE: Final = 8
"""One part in so many of the ring buffer is for lifecycle events and exact matches only."""
WATERMARK: Final = 2
"""Below one part in so many nothing is refused."""
ENTITLEMENT: Final = 512
"""One part in so many is what each process has in the reserve."""
TAB_PART: Final = filter_layout.constant("TAB_PART")
"""One part in so many of that is what a process may owe on a CPU before its accounts are charged."""
UNCHARGED: Final = 16
"""One part in so many of the ring buffer is what all may owe together."""
UNASKED: Final = 4
"""One part in so many of what is free below the watermark is what all CPUs may write together before they ask again."""
_HEAD: Final = struct.Struct("<QQQQII")
"""watermark, limit, reserved, seed, tabs, asks."""


class FlowMap:
    """`fd`: of the map; `ring_size` in bytes."""

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
        """The reader has come so far (`RingBuffer.consumer_position`)."""
        self._longs[self._consumed] = position

    def wait_for_any(self, *, waits: bool) -> None:
        """Whether the next record wakes the reader, whatever it is."""
        self._words[self._waits] = waits

    def wait_for_exact(self) -> None:
        """The next exact match wakes the reader, once."""
        self._words[self._wants_exact] = 1

    def recognise(self, generation: int, *, keeps_paths: bool) -> None:
        """The kernel recognises calls by verdicts of this generation, and by no others; 0: none."""
        self._words[self._generation] = 0
        self._words[self._keeps_paths] = keeps_paths
        self._words[self._generation] = generation

    def set_watermark(self, fill: int) -> None:
        """From another fill of the ring buffer on accounts pay; in bytes."""
        self._memory[:8] = fill.to_bytes(8, "little")

    @property
    def exact_came(self) -> bool:
        """Whether one has come since."""
        return not self._words[self._wants_exact]

    def close(self) -> None:
        """Unmap."""
        self._words.release()
        self._longs.release()
        self._memory.close()


def tabs_of_each_cpu(ring_size: int, cpus: int) -> int:
    """A power of two."""
    owed = ring_size // ENTITLEMENT // TAB_PART
    found = filter_layout.constant("MOST_TABS")
    while found > 1 and found * owed * cpus > ring_size // UNCHARGED:
        found //= 2
    return int(found)
