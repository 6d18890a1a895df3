"""Counts of one source over all its instances: a restart begins new counts, and loses none of the earlier ones.

This is the only place that knows which instance a count is from. An instance that has ended is not asked again: its
answer, while it still exists, would count its events twice.
"""

from collections.abc import Mapping

import msgspec

from mozu.core.api import Counts, Source
from mozu.core.isolation.isolated import Isolated


class SourceCounts:
    """The counts per event type since the first start: seen = filtered + lost + missed + received."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source = source
        self._before: dict[str, Counts] = {}
        """Sums of the instances that have ended."""
        self._newest: dict[str, Counts] = {}
        """The last counts of the present instance."""
        self._ended: Source | None = None
        """The newest instance, if it has ended."""

    def now(self) -> Mapping[str, Counts]:
        """Return the counts; the last known ones of the present instance if it fails to answer."""
        if self._source.component is not self._ended:
            with self._source.contained("count"):
                self._newest = _checked(self._source.component.counts())
        return {
            kind: _sum(self._before.get(kind, Counts()), self._newest.get(kind, Counts()))
            for kind in {**self._before, **self._newest}
        }

    def retire(self) -> None:
        """Close the counts of the present instance, which has stopped. Events it has seen and not yielded are lost.
        Idempotent."""
        self.now()
        for kind, count in self._newest.items():
            self._before[kind] = _sum(self._before.get(kind, Counts()), _settled(count))
        self._newest = {}
        self._ended = self._source.component


def _checked(found: object) -> dict[str, Counts]:
    """Return a copy, because a source may go on counting in its own objects. Raises TypeError."""
    if not isinstance(found, Mapping):
        raise TypeError(f"counts() must give a mapping of event types to Counts, not {type(found).__name__}")
    counts: dict[str, Counts] = {}
    for kind, count in found.items():
        if not isinstance(kind, str) or not isinstance(count, Counts):
            raise TypeError(f"counts() must give Counts by event type, not {type(count).__name__} by {kind!r}")
        numbers = (count.seen, count.filtered, count.lost, count.missed or 0, count.received, count.over_share)
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError(f"counts() must give whole numbers, not {numbers!r} for {kind}")
        counts[kind] = Counts(*numbers[:3], count.missed, count.received, count.over_share)
    return counts


def _settled(count: Counts) -> Counts:
    """Return the counts of an ended instance, with what was left in its ring buffer added to the lost events."""
    left = count.seen - count.filtered - count.lost - (count.missed or 0) - count.received
    return msgspec.structs.replace(count, lost=count.lost + max(0, left))


def _sum(one: Counts, two: Counts) -> Counts:
    missed = None if one.missed is None or two.missed is None else one.missed + two.missed
    return Counts(
        one.seen + two.seen,
        one.filtered + two.filtered,
        one.lost + two.lost,
        missed,
        one.received + two.received,
        one.over_share + two.over_share,
    )
