"""Repeats told once with their number, and floods of one rule limited and told as what they are. Off by default.

Time is an argument (seconds of a monotonic clock), so that a test needs no clock.
"""

from collections.abc import Iterator

import msgspec

from mozu.core.model.alert import Alert, Ref, Template, alert_id


class _Fold(msgspec.Struct):
    first: Alert
    until: float
    count: int = 0
    last_time: int = 0


class _Bucket(msgspec.Struct):
    tokens: float
    at: float
    suppressed: int = 0
    since: int = 0


class RateLimited(msgspec.Struct, frozen=True):
    """Alerts of one rule that were suppressed because there were too many."""

    rule: str
    count: int
    since: int
    """ns since the epoch of the first that was suppressed."""


class AlertLimiter:
    """`fold_seconds`: equal messages of a rule in this time become one. `rate`, `burst`: a token bucket per rule."""

    def __init__(self, *, fold_seconds: float = 0.0, rate: float = 0.0, burst: int = 100) -> None:
        self._fold, self._rate, self._burst = fold_seconds, rate, burst
        self._folds: dict[tuple[str, str], _Fold] = {}
        self._buckets: dict[str, _Bucket] = {}

    @property
    def off(self) -> bool:
        """Nothing is folded and nothing limited."""
        return not self._fold and not self._rate

    def passes(self, alert: Alert, now: float) -> bool:
        """Whether this alert goes on; what does not is counted and comes out of `due` or `floods`."""
        if alert.source == "internal":
            return True
        if self._fold and not self._first(alert, now):
            return False
        return not self._rate or self._within_rate(alert, now)

    def due(self, now: float | None) -> Iterator[Alert]:
        """For each repeat whose time is over (None: for all) the first alert again, with the number of its repeats."""
        for key, fold in list(self._folds.items()):
            if now is None or fold.until <= now:
                del self._folds[key]
                if fold.count:
                    yield _summary(fold)

    def floods(self) -> Iterator[RateLimited]:
        """What was suppressed since the last call, per rule."""
        for rule, bucket in self._buckets.items():
            if bucket.suppressed:
                yield RateLimited(rule, bucket.suppressed, bucket.since)
                bucket.suppressed = 0

    def _first(self, alert: Alert, now: float) -> bool:
        key = alert.rule, alert.message()
        fold = self._folds.get(key)
        if fold is None:
            self._folds[key] = _Fold(alert, now + self._fold)
            return True
        fold.count += 1
        fold.last_time = alert.time
        return False

    def _within_rate(self, alert: Alert, now: float) -> bool:
        bucket = self._buckets.get(alert.rule)
        if bucket is None:
            bucket = self._buckets[alert.rule] = _Bucket(float(self._burst), now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        if not bucket.suppressed:
            bucket.since = alert.time
        bucket.suppressed += 1
        return False


def _summary(fold: _Fold) -> Alert:
    first = fold.first
    times = (Ref("mozu.repeats", "uint"), Ref("mozu.first_time", "abstime"), Ref("mozu.last_time", "abstime"))
    template = Template((*first.template.parts, f" (repeated {fold.count} times)"), (*first.template.extra, *times))
    values = {
        **first.values,
        "mozu.repeats": fold.count,
        "mozu.first_time": first.time,
        "mozu.last_time": fold.last_time,
    }
    number = alert_id(fold.last_time, first.id, first.rule)
    return msgspec.structs.replace(first, template=template, values=values, time=fold.last_time, id=number)
