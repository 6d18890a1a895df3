"""Dedup and rate limit of alerts: repeats become one alert with their number, and each rule has a token bucket.

Off by default (setting `alert_limiter`). Time is an argument (seconds of a monotonic clock), so that a test needs no
clock. Memory is bounded: of messages in number and bytes, of rules in number. Where there is no room the longest known
message ends its dedup time early, with its summary; the bucket that was used longest ago is given up.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.caches import cached
from mozu.core.delivery.plain import plain_alert
from mozu.core.isolation.ends import is_ours
from mozu.core.model.alert import Alert, Ref, Template, alert_id

_MAX_MESSAGES: Final = 10_000
_MAX_BYTES: Final = 16 << 20
"""Of the messages that are remembered, with the values of their alerts."""
_MAX_BUCKETS: Final = 10_000
_MAX_FORGOTTEN: Final = 100
_OTHERS: Final = "(others)"
_ALERT_BYTES: Final = 1_000
"""Size of an alert besides its texts: measured roughly, used only to bound memory."""


class _Repeats(msgspec.Struct):
    first: Alert
    until: float
    bytes: int
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
    """`dedup_seconds`: of equal messages of a rule in this time the first passes at once, and if there were more one
    summary with their number when the time is over. `rate`, `burst`: a token bucket per rule."""

    def __init__(
        self,
        *,
        dedup_seconds: float = 0.0,
        rate: float = 0.0,
        burst: int = 100,
        max_messages: int = _MAX_MESSAGES,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._dedup_seconds, self._rate, self._burst = dedup_seconds, rate, burst
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._repeats: OrderedDict[tuple[str, str], _Repeats] = OrderedDict()
        """By the time at which they end, since all last equally long."""
        self._ended: list[_Repeats] = []
        """Their summaries wait for the next call of `due`."""
        self._bytes = 0
        """Of both."""
        self._buckets: OrderedDict[str, _TokenBucket] = OrderedDict()
        """By their last use."""
        self._forgotten: dict[str, RateLimited] = {}
        """What buckets that were given up had suppressed."""

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
        while self._repeats and (now is None or next(iter(self._repeats.values())).until <= now):
            self._end_oldest()
        ended, self._ended = self._ended, []
        self._bytes -= sum(repeats.bytes for repeats in ended)
        yield from map(_summary, ended)

    def shrink(self) -> int:
        """End the dedup time of half of the messages, the longest known, as where there is no room; how many."""
        count = (len(self._repeats) + 1) // 2
        for _ in range(count):
            self._end_oldest()
        return count

    def rate_limited(self) -> Iterator[RateLimited]:
        """What the rate limit suppressed since the last call, per rule."""
        forgotten, self._forgotten = self._forgotten, {}
        yield from forgotten.values()
        for rule, bucket in self._buckets.items():
            if bucket.suppressed:
                yield RateLimited(rule, bucket.suppressed, bucket.since)
                bucket.suppressed = 0

    def _is_repeat(self, alert: Alert, now: float) -> bool:
        key = alert.rule, alert.message()
        repeats = self._repeats.get(key)
        if repeats is not None and repeats.until <= now:
            self._end(key)  # its summary is due, and this alert is the first of a new time
            repeats = None
        if repeats is not None:
            repeats.count += 1
            repeats.last_time = alert.time
            return True
        size = _ALERT_BYTES + 2 * len(key[1]) + _text_size(alert)
        while self._repeats and not self._has_room(size):
            self._end_oldest()
        if self._has_room(size):  # else too many summaries wait, and alerts pass unchanged
            self._repeats[key] = _Repeats(alert, now + self._dedup_seconds, size)
            self._bytes += size
        return False

    def _has_room(self, size: int) -> bool:
        return len(self._repeats) + len(self._ended) < self._max_messages and self._bytes + size <= self._max_bytes

    def _end_oldest(self) -> None:
        self._end(next(iter(self._repeats)))

    def _end(self, key: tuple[str, str]) -> None:
        repeats = self._repeats.pop(key)
        if repeats.count:
            self._ended.append(repeats)
        else:
            self._bytes -= repeats.bytes

    def _within_rate(self, alert: Alert, now: float) -> bool:
        bucket = self._buckets.get(alert.rule)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                self._forget_bucket()
            bucket = self._buckets[alert.rule] = _TokenBucket(float(self._burst), now)
        else:
            self._buckets.move_to_end(alert.rule)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        if not bucket.suppressed:
            bucket.since = alert.time
        bucket.suppressed += 1
        return False

    def _forget_bucket(self) -> None:
        """Of the rule that was limited longest ago; rules without number come from other programs only."""
        rule, bucket = self._buckets.popitem(last=False)
        if bucket.suppressed:
            key = rule if len(self._forgotten) < _MAX_FORGOTTEN else _OTHERS
            before = self._forgotten.get(key)
            count = bucket.suppressed + (before.count if before else 0)
            since = min(bucket.since, before.since) if before else bucket.since
            self._forgotten[key] = RateLimited(key, count, since)


def _text_size(alert: Alert) -> int:
    return sum(
        len(value)
        for values in (alert.values, alert.enrichment)
        for value in values.values()
        if isinstance(value, str | bytes)
    )


def _summary(repeats: _Repeats) -> Alert:
    first = repeats.first
    try:
        return _with_repeats(first, repeats)
    except BaseException as error:  # what one alert contains stops no other
        if is_ours(error):
            raise
        return plain_alert(first, error)


@cached(1024)
def _repeated(template: Template) -> Template:
    """One for each rule, which a spool stores once."""
    times = (Ref("mozu.repeats", "uint"), Ref("mozu.first_time", "abstime"), Ref("mozu.last_time", "abstime"))
    return Template((*template.parts, " (repeated ", times[0], " times)"), (*template.extra, *times))


def _with_repeats(first: Alert, repeats: _Repeats) -> Alert:
    template = _repeated(first.template)
    values = {
        **first.values,
        "mozu.repeats": repeats.count,
        "mozu.first_time": first.time,
        "mozu.last_time": repeats.last_time,
    }
    number = alert_id(repeats.last_time, first.id, first.rule)
    return msgspec.structs.replace(first, template=template, values=values, time=repeats.last_time, id=number)
