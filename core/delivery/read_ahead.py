"""Read-ahead of a disk queue: the choice of the next alerts, from memory after their commit or from disk."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from mozu.core.delivery.packed_alert import PackedAlert

Numbered = tuple[int, PackedAlert]

_CACHED = 4_000
"""Most alerts kept in memory after their commit; a sink that is further behind gets alerts from the disk."""


class ReadAhead:
    """Order of alerts read from memory and disk. `read(after, limit)` reads the disk; it returns None if that is
    impossible now. With `live_first`, new alerts precede a backlog; else all are in order."""

    def __init__(
        self, read: Callable[[int, int], Awaitable[list[Numbered] | None]], *, live_first: bool
    ) -> None:
        self._read, self.live_first = read, live_first
        self._recent: deque[Numbered] = deque(maxlen=_CACHED)
        """The newest alerts on disk, with contiguous numbers."""
        self._cursor = 0
        """Number up to which all alerts have been returned."""
        self._ahead: set[int] = set()
        """Numbers above the cursor that were returned and are not acknowledged."""

    def committed(self, last: int, batch: Sequence[PackedAlert]) -> None:
        """Note that this batch is on disk, its last alert under the number `last`."""
        first = last - len(batch) + 1
        if self._recent and self._recent[-1][0] + 1 != first:
            self._recent.clear()
        self._recent.extend(zip(range(first, last + 1), batch, strict=True))

    def acked(self, numbers: Iterable[int]) -> None:
        """Note that these were deleted from the disk. Those that are also in memory are skipped later, at their
        place."""
        first = self._recent[0][0] if self._recent else None
        self._ahead.difference_update(number for number in numbers if first is None or number < first)

    def given(self, numbers: Iterable[int]) -> None:
        """Note that these were returned by another way: `next` skips them until they are acknowledged."""
        self._ahead.update(number for number in numbers if number > self._cursor)

    def rescue(self, numbers: set[int]) -> list[Numbered]:
        """Return alerts in memory that the disk has lost and that were not returned yet; they count as returned from
        now on."""
        found = [
            (number, alert)
            for number, alert in self._recent
            if number in numbers and number > self._cursor and number not in self._ahead
        ]
        self.given(number for number, _ in found)
        return found

    def holds(self, number: int) -> bool:
        """Return True if the alert was returned, or is in memory and will be."""
        recent = self._recent
        return number <= self._cursor or number in self._ahead or bool(recent and recent[0][0] <= number)

    def settle(self) -> tuple[int, frozenset[int]]:
        """Return the cursor and the numbers returned beyond it. `next` then reads the disk until the next commit, so
        that alerts deleted there are not returned."""
        self._recent.clear()
        return self._cursor, frozenset(self._ahead)

    def shrink(self) -> int:
        """Forget the alerts in memory, all of which are on disk, too; return their number."""
        count = len(self._recent)
        self._recent.clear()
        return count

    async def next(self, limit: int) -> list[Numbered]:
        """Return up to `limit` alerts; empty if none waits."""
        taken = self._from_memory(limit)
        if taken and taken[-1][0] <= self._cursor:
            return taken
        return taken + await self._from_disk(limit - len(taken))

    def _from_memory(self, limit: int) -> list[Numbered]:
        recent = self._recent
        while recent and recent[0][0] <= self._cursor:
            recent.popleft()
        if not recent:
            return []
        if recent[0][0] == self._cursor + 1:
            taken = [recent.popleft() for _ in range(min(limit, len(recent)))]
            self._cursor = taken[-1][0]
            return self._not_given(taken)
        if not self.live_first:
            return []
        limit -= limit // 4  # a backlog must shrink, too, under a constant stream of new alerts
        taken = self._not_given([recent.popleft() for _ in range(min(limit, len(recent)))])
        self._ahead.update(number for number, _ in taken)
        return taken

    async def _from_disk(self, limit: int) -> list[Numbered]:
        """Read alerts from disk up to the first one in memory, which is returned from there: the disk may have lost it
        since."""
        taken: list[Numbered] = []
        while not taken and limit:
            first = self._recent[0][0] if self._recent else None
            found = await self._read(self._cursor, limit)
            if found is None:
                break
            before = found if first is None else [item for item in found if item[0] < first]
            if first is not None and (len(before) < len(found) or len(found) < limit):
                self._cursor = max(self._cursor, first - 1)
                taken = self._not_given(before) + self._from_memory(limit - len(before))
            elif before:
                self._cursor = before[-1][0]
                taken = self._not_given(before)
            else:
                break
        return taken

    def _not_given(self, found: list[Numbered]) -> list[Numbered]:
        if not self._ahead:
            return found
        kept = [item for item in found if item[0] not in self._ahead]
        self._ahead = {number for number in self._ahead if number > self._cursor}
        return kept
