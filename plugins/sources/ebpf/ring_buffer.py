"""The BPF ring buffer (BPF_MAP_TYPE_RINGBUF), read in place through mmap.

The map is mapped twice: one page with the consumer's position (writable), then one with the producer's and the data.
The kernel offers the data a second time behind its end, so that no record is split there; that copy would count as
memory of this process, page for page, so it is not mapped, and the few split records are joined.

A record is a 32-bit length with two flag bits, 32 bits of the kernel, and the data, rounded up to 8 bytes. A record
with the busy bit is still being written; nothing behind it may be read.
"""

import mmap
from collections.abc import Callable
from typing import Final, TypeVar

_BUSY: Final = 1 << 31
_DISCARDED: Final = 1 << 30
_LENGTH: Final = _DISCARDED - 1
_HEADER: Final = 8

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
                end_of_record = offset + _HEADER + length
                whole = end_of_record <= data_end
                start = offset + _HEADER
                value = take(data[start:end_of_record] if whole else self._joined(start, length))
                if value is not None:
                    taken.append(value)
            at += ((length & _LENGTH) + _HEADER + 7) & ~7
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
