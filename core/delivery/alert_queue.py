"""The queue before one sink, in memory or on disk: the pipeline puts and never waits, the sink worker gets and acks.

A queue that is full drops by a stated policy; what is dropped has used its sequence number, and the range is reported.
A source that can wait is held back by `wait_capacity` (backpressure).
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
"""Why alerts were dropped: label `reason` of the counter `sink_alerts_dropped_total`."""


_MERGE_AT: Final = 10_000
"""Ranges after which those that touch are merged."""


class DroppedRange(msgspec.Struct, frozen=True):
    """Sequence numbers that were used up by alerts dropped by policy."""

    first: int
    last: int
    reason: str


class DroppedNumbers:
    """Collects the numbers of dropped alerts, in any order, as exact ranges: no number that was delivered is in one."""

    def __init__(self) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = {}

    def add(self, first: int, last: int, reason: str) -> None:
        """These were dropped."""
        ranges = self._ranges.setdefault(reason, [])
        if ranges and ranges[-1][1] + 1 == first:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
            if len(ranges) % _MERGE_AT == 0:
                self._ranges[reason] = _merged(ranges)

    def take(self) -> list[DroppedRange]:
        """All since the last call, in order."""
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
    """Gives each alert its sequence number within `epoch`."""

    epoch: str
    drop_log: DropLog
    """Which positions were dropped; complete up to a position once `wait_persisted` has returned for it."""

    async def open(self) -> str:
        """Get ready. Gives a sentence on what was found damaged and set aside, empty where all is well. Raises
        MozuError."""

    def resize(self, capacity: int) -> None:
        """Another bound for what waits in memory, in bytes."""

    def shrink(self) -> int:
        """Memory is short: forget what can be read again, and no alert that cannot; how many entries."""

    def put(self, alert: PackedAlert) -> None:
        """Enqueue; never waits. When full the alert is dropped, counted, and its number given by `take_dropped`."""

    async def get(self, limit: int, *, wait: bool = True) -> list[tuple[int, PackedAlert]]:
        """Up to `limit` (number, alert) in order; with `wait`, waits for the first one. Empty otherwise means: closed,
        and nothing is left."""

    async def ack(self, delivered: Sequence[int], dead: Sequence[tuple[int, str]], tried: Sequence[int]) -> None:
        """What became of alerts that `get` gave: acknowledged by the destination; dead letters, with their reason.
        `tried` have used up an attempt, among them dead letters whose last one it was; others wait unblamed."""

    def take_dropped(self) -> list[DroppedRange]:
        """Ranges dropped since the last call."""

    def announced(self, ranges: Sequence[DroppedRange]) -> None:
        """Notices of these have just been put. A queue on disk keeps the ranges until the notices are there."""

    async def drop_again(self, ranges: Sequence[DroppedRange]) -> None:
        """Keep ranges whose notice was given up, so that the next run announces them if this one does not."""

    def take_problems(self) -> list[str]:
        """Sentences on what went wrong with the queue's file since the last call."""

    def position(self) -> int:
        """How many alerts were ever put; for `wait_persisted`."""

    async def wait_persisted(self, position: int) -> None:
        """Wait until the first `position` alerts are on disk, have been acknowledged, or were dropped by policy."""

    async def wait_capacity(self) -> None:
        """Backpressure: wait until the queue is at most half full. For sources that can wait."""

    def in_memory(self) -> int:
        """Alerts that are lost if the process ends now."""

    def waiting(self) -> int:
        """Alerts whose fate is not decided, in memory and on disk."""

    def close(self) -> None:
        """Nothing more comes; what is there can still be taken."""

    async def stop(self, reason: str) -> int:
        """Release files and threads; alerts that are in memory only are counted as dropped for this reason. How many
        wait on disk."""
