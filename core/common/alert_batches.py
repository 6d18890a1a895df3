"""Batching of alerts into requests. A request that is retried has the same alerts, and so the same id."""

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from mozu.core.api import Record
from mozu.core.model.event import as_bytes

_HEADER_SAFE: Final = re.compile(r"[!-~]{1,255}")


class AlertBatch(msgspec.Struct):
    """The alerts of one request."""

    records: Sequence[Record]
    parts: Sequence[bytes]
    """Bodies of the records, in the same order."""
    failures: int = 0
    """Failures of a request of exactly these alerts for which one of the alerts may be to blame."""
    tried: bool = False
    """True if a request of exactly these alerts was sent before."""

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of the alerts at this sink."""
        return tuple(record.stamp.sequence for record in self.records)

    def request_id(self) -> str:
        """Return the id of the request: the alert's own, or made from the ids of all alerts."""
        first = self.records[0].alert.id
        if len(self.records) == 1 and _HEADER_SAFE.fullmatch(first):
            return first
        joined = "\0".join(record.alert.id for record in self.records)
        return f"msg_{blake2b(as_bytes(joined), digest_size=16).hexdigest()}"

    def halves(self) -> "tuple[AlertBatch, AlertBatch]":
        """Return two requests to replace this one, each with its count of failures."""
        middle = len(self.records) // 2
        return (
            AlertBatch(self.records[:middle], self.parts[:middle], self.failures),
            AlertBatch(self.records[middle:], self.parts[middle:], self.failures),
        )


class Batcher:
    """A packer of records into requests of bounded number and size, which remembers requests to retry.

    Records share a request only if `group` returns the same value for them.
    """

    def __init__(self, max_records: int, max_bytes: int, group: Callable[[Record], object] | None = None) -> None:
        self._max_records, self._max_bytes, self._group = max_records, max_bytes, group
        self._retried: dict[int, tuple[tuple[int, ...], int]] = {}
        """First number of a request to retry → all its numbers, and its failures."""

    def pack(self, records: Sequence[Record], parts: Sequence[bytes]) -> list[AlertBatch]:
        """Return requests in order; a record larger than the limit of a request has one of its own."""
        batches: list[AlertBatch] = []
        start = 0
        while start < len(records):
            end, failures = self._same(records, start)
            tried = end > start
            if not tried:
                end = self._fill(records, parts, start)
            batches.append(AlertBatch(records[start:end], parts[start:end], failures, tried))
            start = end
        self._retried.clear()
        return batches

    def remember(self, batch: AlertBatch) -> None:
        """Remember a request that will be retried."""
        numbers = batch.numbers()
        self._retried[numbers[0]] = (numbers, batch.failures)

    def _same(self, records: Sequence[Record], start: int) -> tuple[int, int]:
        numbers, failures = self._retried.get(records[start].stamp.sequence, ((), 0))
        end = start + len(numbers)
        if tuple(record.stamp.sequence for record in records[start:end]) == numbers:
            return end, failures
        return start, 0

    def _fill(self, records: Sequence[Record], parts: Sequence[bytes], start: int) -> int:
        end, size = start + 1, len(parts[start])
        group = self._group or (lambda record: None)
        wanted = group(records[start])
        while end < len(records) and end - start < self._max_records:
            size += len(parts[end]) + 1
            is_other = records[end].stamp.sequence in self._retried or group(records[end]) != wanted
            if size > self._max_bytes or is_other:
                break
            end += 1
        return end
