"""Token buckets by rule, with the number of alerts that each has suppressed.

Memory is bounded: at the bound the least recently used bucket is removed, and its count is kept.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.model.alert import Alert

_MAX_BUCKETS: Final = 10_000
_MAX_FORGOTTEN: Final = 100
_OTHERS: Final = "(others)"


class RateLimited(msgspec.Struct, frozen=True):
    """Alerts of one rule that were suppressed because they came faster than `rate` and `burst` allow."""

    rule: str
    count: int
    since: int
    """Time of the first suppressed alert, ns since the epoch."""


class _TokenBucket(msgspec.Struct):
    tokens: float
    at: float
    suppressed: int = 0
    since: int = 0


class TokenBuckets:
    """A token bucket per rule: `burst` alerts at once, then `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, _TokenBucket] = OrderedDict()
        """Buckets by rule, the least recently used first."""
        self._forgotten: dict[str, RateLimited] = {}
        """Counts of removed buckets that had suppressed alerts, by rule."""

    def passes(self, alert: Alert, now: float) -> bool:
        """Return True if the alert is within the rate; one that is not is counted."""
        bucket = self._buckets.get(alert.rule)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                self._forget_bucket()
            bucket = self._buckets[alert.rule] = _TokenBucket(float(self._burst), now)
        else:
            self._buckets.move_to_end(alert.rule)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self.rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        if not bucket.suppressed:
            bucket.since = alert.time
        bucket.suppressed += 1
        return False

    def suppressed(self) -> Iterator[RateLimited]:
        """Yield the alerts that were suppressed since the last call, one item per rule."""
        forgotten, self._forgotten = self._forgotten, {}
        yield from forgotten.values()
        for rule, bucket in self._buckets.items():
            if bucket.suppressed:
                yield RateLimited(rule, bucket.suppressed, bucket.since)
                bucket.suppressed = 0

    def _forget_bucket(self) -> None:
        """Remove the least recently used bucket, and keep its count. Only other programs raise rules without bound."""
        rule, bucket = self._buckets.popitem(last=False)
        if bucket.suppressed:
            key = rule if len(self._forgotten) < _MAX_FORGOTTEN else _OTHERS
            before = self._forgotten.get(key)
            count = bucket.suppressed + (before.count if before else 0)
            since = min(bucket.since, before.since) if before else bucket.since
            self._forgotten[key] = RateLimited(key, count, since)
