"""The queue before one sink, in memory or on disk: the pipeline puts and never waits, the sink worker gets and acks.

A full queue drops by a stated policy; a dropped alert has used its sequence number, and the range is reported. A source
that can wait is slowed down by `wait_capacity` (backpressure).
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from mozu.core.delivery.drop_log import DropLog
from mozu.core.delivery.packed_alert import PackedAlert

DISPLACED: Final = "displaced by newer alerts (spool.when_full: drop_oldest)"
QUEUE_FULL: Final = "queue full"
GIVEN_UP: Final = "given up after it was rejected, failed too often or could not be encoded"
SPOOL_DAMAGED: Final = "the file of its spool was damaged"
"""Reasons for which alerts were dropped: label `reason` of the counter `sink_alerts_dropped_total`."""


_MERGE_AT: Final = 10_000
"""Number of ranges after which adjacent ones are merged."""


class DroppedRange(msgspec.Struct, frozen=True):
    """A range of sequence numbers used by dropped alerts, both ends included."""

    first: int
    last: int
    reason: str


class DroppedNumbers:
    """Numbers of dropped alerts, added in any order, as exact ranges: no delivered number is in one."""

    def __init__(self) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = {}

    def add(self, first: int, last: int, reason: str) -> None:
        """Add the numbers `first` to `last`."""
        ranges = self._ranges.setdefault(reason, [])
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
            if len(ranges) % _MERGE_AT == 0:
                self._ranges[reason] = _merged(ranges)

    def take(self) -> list[DroppedRange]:
        """Return the ranges added since the last call, in order within each reason."""
        taken, self._ranges = self._ranges, {}
        return [DroppedRange(*found, reason) for reason, ranges in taken.items() for found in _merged(ranges)]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and merged[-1][1] + 1 == first:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged


class AlertQueue(Protocol):
    """A queue that numbers alerts within `epoch`."""

    epoch: str
    drop_log: DropLog
    """Log of the positions whose alerts were dropped; complete up to a position once `wait_persisted` has returned for
    it."""

    async def open(self) -> str:
        """Prepare the queue. Return a sentence on damage that was found and set aside, empty if there was none. Raises
        MozuError."""

    def resize(self, capacity: int) -> None:
        """Set another capacity for alerts in memory, in bytes."""

    def shrink(self) -> int:
        """Free memory by forgetting alerts that can be read again from disk; return their number."""

    def put(self, alert: PackedAlert) -> None:
        """Enqueue the alert without waiting. A full queue drops an alert, counts it, and reports its number in
        `take_dropped`."""

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, PackedAlert]]:
        """Return up to `limit` (number, alert) in order; with `wait`, wait for the first one. An empty list then means
        that the queue is closed and empty."""

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """Settle alerts returned by `get`: `delivered` are acknowledged by the destination, `dead` become dead letters
        with their reason. `tried` have used an attempt, including dead letters whose last one it was; other alerts keep
        their attempts."""

    def take_dropped(self) -> list[DroppedRange]:
        """Return the ranges dropped since the last call."""

    def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """Note that notices of these ranges were just put. A queue on disk keeps the ranges until the notices are on
        disk."""

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Keep ranges whose notice was given up, so that the next run announces them if this one does not."""

    def take_problems(self) -> list[str]:
        """Return sentences on failures of the queue's file since the last call."""

    def position(self) -> int:
        """Return the number of alerts ever put, for `wait_persisted`."""

    async def wait_persisted(self, position: int) -> None:
        """Wait until the first `position` alerts are on disk, have been acknowledged, or were dropped by policy."""

    async def wait_capacity(self) -> None:
        """Wait until the queue is at most half full: backpressure for sources that can wait."""

    def in_memory(self) -> int:
        """Return the number of alerts that would be lost if the process ended now."""

    def waiting(self) -> int:
        """Return the number of alerts that are not settled, in memory and on disk."""

    def close(self) -> None:
        """Accept no more alerts; waiting ones can still be taken."""

    async def stop(self, reason: str) -> int:
        """Release files and threads, and count alerts that are only in memory as dropped for this reason. Return the
        number of alerts that wait on disk."""
