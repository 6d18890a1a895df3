"""Counts of one source over all its instances: a restart begins with new counts, and loses none of those before.

This is the only place that knows which instance a count is of. An instance that has ended is not asked again: it may
answer for as long as it is there, which would count its events twice.
"""

from collections.abc import Mapping

import msgspec

from mozu.core.api import Counts, Source
from mozu.core.isolation.isolated import Isolated


class SourceCounts:
    """seen = filtered + lost + missed + received, per event type, since the first start."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source = source
        self._before: dict[str, Counts] = {}
        """Of the instances that have ended."""
        self._newest: dict[str, Counts] = {}
        """The last that the present instance gave."""
        self._ended: Source | None = None
        """The newest instance, if it has ended."""

    def now(self) -> Mapping[str, Counts]:
        """Asks the source; where it fails to answer, what it said last stands."""
        if self._source.component is not self._ended:
            with self._source.contained("count"):
                self._newest = _checked(self._source.component.counts())
        return {
            kind: _sum(self._before.get(kind, Counts()), self._newest.get(kind, Counts()))
            for kind in {**self._before, **self._newest}
        }

    def retire(self) -> None:
        """The present instance has stopped. Events that it has seen and not given are lost. Idempotent."""
        self.now()
        for kind, count in self._newest.items():
            self._before[kind] = _sum(self._before.get(kind, Counts()), _settled(count))
        self._newest = {}
        self._ended = self._source.component


def _checked(found: object) -> dict[str, Counts]:
    """A copy: a source may go on counting in the objects that it gave. Raises TypeError."""
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
    """Return the counts with the contents of an ended instance's ring buffer added to the lost events."""
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
