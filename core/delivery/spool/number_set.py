"""A set of sequence numbers, as bit masks of pages: some hundred bytes for 4,096 numbers, however they are spread."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

_PAGE: Final = 4_096


class NumberSet:
    """Sequence numbers of the alerts in a spool."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._pages: dict[int, int] = {}
        self._low = 0
        """The lowest page, or one that has become empty since."""
        for page, mask in _masks_of(numbers):
            self._pages[page] = self._pages.get(page, 0) | mask

    def __contains__(self, number: int) -> bool:
        page, offset = divmod(number, _PAGE)
        return bool(self._pages.get(page, 0) >> offset & 1)

    def add(self, first: int, last: int) -> None:
        """Add the numbers `first` to `last`."""
        for page, mask in _masks(first, last):
            self._pages[page] = self._pages.get(page, 0) | mask
            self._low = min(self._low, page)

    def discard(self, numbers: Iterable[int]) -> None:
        """Remove these numbers."""
        for page, mask in _masks_of(numbers):
            left = self._pages.get(page, 0) & ~mask
            if left:
                self._pages[page] = left
            else:
                self._pages.pop(page, None)

    def lowest(self) -> int | None:
        """Return the lowest number; None if the set is empty."""
        if not self._pages:
            return None
        if self._low not in self._pages:
            self._low = min(self._pages)
        mask = self._pages[self._low]
        return self._low * _PAGE + (mask & -mask).bit_length() - 1

    def without(self, other: "NumberSet") -> Iterator[int]:
        """Yield the numbers that are not in the other set, in order."""
        for page in sorted(self._pages):
            mask = self._pages[page] & ~other._pages.get(page, 0)
            while mask:
                bit = mask & -mask
                yield page * _PAGE + bit.bit_length() - 1
                mask ^= bit


def _masks(first: int, last: int) -> Iterator[tuple[int, int]]:
    while first <= last:
        page, offset = divmod(first, _PAGE)
        size = min(last - first + 1, _PAGE - offset)
        yield page, ((1 << size) - 1) << offset
        first += size


def _masks_of(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield one mask per page for consecutive numbers of the same page."""
    for page, some in groupby(numbers, lambda number: number // _PAGE):
        mask = 0
        for number in some:
            mask |= 1 << number % _PAGE
        yield page, mask
