"""Which alerts share a request. A request that is tried again has the same alerts in it, so that it has the same id."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from mozu.core.api import Record


class AlertGroup(msgspec.Struct):
    """The alerts of one request."""

    records: Sequence[Record]
    parts: Sequence[bytes]
    """Their bodies, in the same order."""
    failures: int = 0
    """How often this very request failed in a way for which one of its alerts may be to blame."""
    tried: bool = False
    """Whether this very request was sent before."""

    def numbers(self) -> tuple[int, ...]:
        """The numbers of its alerts at this sink."""
        return tuple(record.stamp.sequence for record in self.records)

    def ident(self) -> str:
        """The id of the request: the alert's own, or made from the ids of all."""
        if len(self.records) == 1:
            return self.records[0].alert.id
        joined = "\0".join(record.alert.id for record in self.records)
        return f"msg_{blake2b(joined.encode(), digest_size=16).hexdigest()}"

    def halves(self) -> "tuple[AlertGroup, AlertGroup]":
        """Two requests instead of this one, as suspicious as it was."""
        middle = len(self.records) // 2
        return (
            AlertGroup(self.records[:middle], self.parts[:middle], self.failures),
            AlertGroup(self.records[middle:], self.parts[middle:], self.failures),
        )


class Groups:
    """Packs records into requests of bounded number and size, and remembers those that will be tried again."""

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self._most_records, self._most_bytes = most_records, most_bytes
        self._again: dict[int, tuple[tuple[int, ...], int]] = {}
        """First number of a request to try again → all its numbers, and its failures."""

    def pack(self, records: Sequence[Record], parts: Sequence[bytes]) -> list[AlertGroup]:
        """In order; a record that is larger than a request may be has one of its own."""
        groups: list[AlertGroup] = []
        start = 0
        while start < len(records):
            end, failures = self._same(records, start)
            tried = end > start
            if not tried:
                end = self._fill(records, parts, start)
            groups.append(AlertGroup(records[start:end], parts[start:end], failures, tried))
            start = end
        self._again.clear()
        return groups

    def remember(self, group: AlertGroup) -> None:
        """This request will be tried again."""
        numbers = group.numbers()
        self._again[numbers[0]] = (numbers, group.failures)

    def _same(self, records: Sequence[Record], start: int) -> tuple[int, int]:
        numbers, failures = self._again.get(records[start].stamp.sequence, ((), 0))
        end = start + len(numbers)
        if tuple(record.stamp.sequence for record in records[start:end]) == numbers:
            return end, failures
        return start, 0

    def _fill(self, records: Sequence[Record], parts: Sequence[bytes], start: int) -> int:
        end, size = start + 1, len(parts[start])
        while end < len(records) and end - start < self._most_records:
            size += len(parts[end]) + 1
            if size > self._most_bytes or records[end].stamp.sequence in self._again:
                break
            end += 1
        return end
