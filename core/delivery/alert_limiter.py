"""Dedup and rate limit of alerts: repeats become one alert with their number, and each rule has a token bucket.

Off by default (setting `alert_limiter`). Time is an argument (seconds of a monotonic clock), so that a test needs no
clock.
"""

from collections.abc import Iterator

import msgspec

from mozu.core.model.alert import Alert, Ref, Template, alert_id


class _Repeats(msgspec.Struct):
    first: Alert
    until: float
    count: int = 0
    last_time: int = 0


class _TokenBucket(msgspec.Struct):
    tokens: float
    at: float
    suppressed: int = 0
    since: int = 0


class RateLimited(msgspec.Struct, frozen=True):
    """Alerts of one rule that were suppressed because they came faster than `rate` and `burst` allow."""

    rule: str
    count: int
    since: int
    """ns since the epoch of the first that was suppressed."""


class AlertLimiter:
    """`dedup_seconds`: equal messages of a rule in this time become one. `rate`, `burst`: a token bucket per rule."""

    def __init__(self, *, dedup_seconds: float = 0.0, rate: float = 0.0, burst: int = 100) -> None:
        self._dedup_seconds, self._rate, self._burst = dedup_seconds, rate, burst
        self._repeats: dict[tuple[str, str], _Repeats] = {}
        self._buckets: dict[str, _TokenBucket] = {}

    @property
    def off(self) -> bool:
        """Neither dedup nor rate limit is configured."""
        return not self._dedup_seconds and not self._rate

    def passes(self, alert: Alert, now: float) -> bool:
        """Whether this alert goes on; one that does not is counted and comes out of `due` or `rate_limited`."""
        if alert.source == "internal":
            return True
        if self._dedup_seconds and self._is_repeat(alert, now):
            return False
        return not self._rate or self._within_rate(alert, now)

    def due(self, now: float | None) -> Iterator[Alert]:
        """The first alert again, with the number of its repeats, where its dedup time is over (None: all)."""
        for key, repeats in list(self._repeats.items()):
            if now is None or repeats.until <= now:
                del self._repeats[key]
                if repeats.count:
                    yield _summary(repeats)

    def rate_limited(self) -> Iterator[RateLimited]:
        """What the rate limit suppressed since the last call, per rule."""
        for rule, bucket in self._buckets.items():
            if bucket.suppressed:
                yield RateLimited(rule, bucket.suppressed, bucket.since)
                bucket.suppressed = 0

    def _is_repeat(self, alert: Alert, now: float) -> bool:
        key = alert.rule, alert.message()
        repeats = self._repeats.get(key)
        if repeats is None:
            self._repeats[key] = _Repeats(alert, now + self._dedup_seconds)
            return False
        repeats.count += 1
        repeats.last_time = alert.time
        return True

    def _within_rate(self, alert: Alert, now: float) -> bool:
        bucket = self._buckets.get(alert.rule)
        if bucket is None:
            bucket = self._buckets[alert.rule] = _TokenBucket(float(self._burst), now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        if not bucket.suppressed:
            bucket.since = alert.time
        bucket.suppressed += 1
        return False


def _summary(repeats: _Repeats) -> Alert:
    first = repeats.first
    times = (Ref("mozu.repeats", "uint"), Ref("mozu.first_time", "abstime"), Ref("mozu.last_time", "abstime"))
    template = Template((*first.template.parts, f" (repeated {repeats.count} times)"), (*first.template.extra, *times))
    values = {
        **first.values,
        "mozu.repeats": repeats.count,
        "mozu.first_time": first.time,
        "mozu.last_time": repeats.last_time,
    }
    number = alert_id(repeats.last_time, first.id, first.rule)
    return msgspec.structs.replace(first, template=template, values=values, time=repeats.last_time, id=number)
