"""Dedup and rate limit of alerts: repeats become one alert with their number, and each rule has a token bucket.

Off by default (setting `alert_limiter`). Time is an argument (seconds of a monotonic clock), so that a test needs no
clock. Memory is bounded: the number and bytes of messages, and the number of rules. At the bound, the message known
longest ends its dedup time early, with its summary, and the least recently used bucket is removed.
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
"""Most memory of remembered messages and the values of their alerts, in bytes."""
_MAX_BUCKETS: Final = 10_000
_MAX_FORGOTTEN: Final = 100
_OTHERS: Final = "(others)"
_ALERT_BYTES: Final = 1_000
"""Bytes of an alert besides its texts, measured roughly; only bounds memory."""


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
    """Time of the first suppressed alert, ns since the epoch."""


class AlertLimiter:
    """Suppression of repeats (`dedup_seconds`) and of bursts (`rate`, `burst`: a token bucket per rule).

    The first of equal messages of a rule passes at once; repeats within `dedup_seconds` become one summary with their
    number.
    """

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
        """Messages under observation by (rule, message); in the order in which their dedup time ends, which is equally
        long for all."""
        self._ended: list[_Repeats] = []
        """Messages whose summary the next call of `due` yields."""
        self._bytes = 0
        """Bytes of the messages in `_repeats` and `_ended`."""
        self._buckets: OrderedDict[str, _TokenBucket] = OrderedDict()
        """Buckets by rule, the least recently used first."""
        self._forgotten: dict[str, RateLimited] = {}
        """Counts of removed buckets that had suppressed alerts, by rule."""

    @property
    def off(self) -> bool:
        """True if neither dedup nor rate limit is configured."""
        return not self._dedup_seconds and not self._rate

    def passes(self, alert: Alert, now: float) -> bool:
        """Return True if the alert may continue; one that may not is counted, and reported by `due` or
        `rate_limited`."""
        if alert.source == "internal":
            return True
        if self._dedup_seconds and self._is_repeat(alert, now):
            return False
        return not self._rate or self._within_rate(alert, now)

    def due(self, now: float | None) -> Iterator[Alert]:
        """Yield a summary for each message with repeats whose dedup time is over (`now` None: for all messages)."""
        while self._repeats and (now is None or next(iter(self._repeats.values())).until <= now):
            self._end_oldest()
        ended, self._ended = self._ended, []
        self._bytes -= sum(repeats.bytes for repeats in ended)
        yield from map(_summary, ended)

    def shrink(self) -> int:
        """End the dedup time of the older half of the messages to free memory; return their number."""
        count = (len(self._repeats) + 1) // 2
        for _ in range(count):
            self._end_oldest()
        return count

    def rate_limited(self) -> Iterator[RateLimited]:
        """Yield the alerts that the rate limit has suppressed since the last call, one item per rule."""
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
        """Remove the least recently used bucket, and keep its count. Only other programs raise rules without bound."""
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
    """Return the summary's template; one object per rule, so that a spool stores it once."""
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
