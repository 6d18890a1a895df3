"""What a spool gives out next: alerts that are still in memory behind their commit, or those on disk."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from mozu.core.model.alert import Alert

Numbered = tuple[int, Alert]

_FRESH = 4_000
"""Alerts kept in memory behind their commit at most; a sink that falls further behind gets them from the disk."""


class ReadAhead:
    """`read(after, most)` reads the disk. With `live_first` what has just come goes before a backlog; else in order."""

    def __init__(self, read: Callable[[int, int], Awaitable[list[Numbered]]], *, live_first: bool) -> None:
        self._read, self._live_first = read, live_first
        self._fresh: deque[Numbered] = deque(maxlen=_FRESH)
        """Without a hole in the numbers."""
        self._cursor = 0
        """All up to this number has been given out."""
        self._ahead: set[int] = set()
        """Given out beyond the cursor, and not settled."""

    def committed(self, last: int, batch: Sequence[Alert]) -> None:
        """These are on disk now, the last of them under this number."""
        first = last - len(batch) + 1
        if self._fresh and self._fresh[-1][0] + 1 != first:
            self._fresh.clear()
        self._fresh.extend(zip(range(first, last + 1), batch, strict=True))

    def settled(self, numbers: Iterable[int]) -> None:
        """They have left the disk."""
        self._ahead.difference_update(numbers)

    def dropped(self, last: int) -> None:
        """What is not above this number is gone."""
        self._cursor = max(self._cursor, last)

    async def next(self, most: int) -> list[Numbered]:
        """Up to `most`; empty where nothing waits."""
        taken = self._from_memory(most)
        if taken and taken[-1][0] <= self._cursor:
            return taken
        return taken + await self._from_disk(most - len(taken))

    def _from_memory(self, most: int) -> list[Numbered]:
        fresh = self._fresh
        while fresh and fresh[0][0] <= self._cursor:
            fresh.popleft()
        if not fresh:
            return []
        if fresh[0][0] == self._cursor + 1:
            taken = [fresh.popleft() for _ in range(min(most, len(fresh)))]
            self._cursor = taken[-1][0]
            return taken
        if not self._live_first:
            return []
        most -= most // 4  # a backlog must shrink too, however much comes
        taken = [fresh.popleft() for _ in range(min(most, len(fresh)))]
        self._ahead.update(number for number, _ in taken)
        return taken

    async def _from_disk(self, most: int) -> list[Numbered]:
        taken: list[Numbered] = []
        while not taken and most:
            found = await self._read(self._cursor, most)
            if not found:
                break
            self._cursor = found[-1][0]
            taken = [item for item in found if item[0] not in self._ahead]
        return taken
