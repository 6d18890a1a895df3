"""The map FLOW in memory (struct flow of bpf/accounts.h): from which fill on accounts pay, and when a record wakes."""

import mmap
import secrets
import struct
from typing import Final

from mozu.plugins.sources.ebpf import filter_layout

RESERVE: Final = 8
"""One part in so many of the ring buffer is for lifecycle events and exact matches only."""
WATERMARK: Final = 2
"""Below one part in so many nothing is refused."""
ENTITLEMENT: Final = 512
"""One part in so many is what each process has in the reserve."""
_HEAD: Final = struct.Struct("<QQQQ")
"""watermark, limit, reserved, seed."""


class FlowMap:
    """`fd`: of the map; `ring_size` in bytes."""

    def __init__(self, fd: int, ring_size: int) -> None:
        self._memory = mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        limit = ring_size - ring_size // RESERVE
        seed = secrets.randbits(64)
        _HEAD.pack_into(self._memory, 0, ring_size // WATERMARK, limit, ring_size // ENTITLEMENT, seed)
        self._words = memoryview(self._memory).cast("I")
        self._waits, self._wants_exact = (
            filter_layout.place("flow", member).offset // 4 for member in ("waits", "wants_exact")
        )

    def wait_for_any(self, *, waits: bool) -> None:
        """Whether the next record wakes the reader, whatever it is."""
        self._words[self._waits] = waits

    def wait_for_exact(self) -> None:
        """The next exact match wakes the reader, once."""
        self._words[self._wants_exact] = 1

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
        self._memory.close()
