"""Dedup and rate limit of alerts: repeats become one alert with their number, and each rule has a token bucket.

Off by default (setting `alert_limiter`), but for what mozu raises by itself: alerts of its own rules below Warning, and
its notices below Error. Time is an argument (seconds of a monotonic clock), so that a test needs no
clock. Memory is bounded: the number and bytes of messages, and the number of rules. At the bound, the message known
longest ends its dedup time early, with its summary, and the least recently used bucket is removed.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.caches import cached
from mozu.core.delivery.plain import plain_alert
from mozu.core.delivery.token_buckets import RateLimited, TokenBuckets
from mozu.core.isolation.ends import is_ours
from mozu.core.model.alert import Alert, Ref, Severity, Template, alert_id

_MAX_MESSAGES: Final = 10_000
_MAX_BYTES: Final = 16 << 20
"""Most memory of remembered messages and the values of their alerts, in bytes."""
_OWN: Final = "MZ-"
"""Prefix of the ids of mozu's own rules."""
FOLDED: Final = "Alerts folded"
"""Notice that counts what the own limit has suppressed, which no limit suppresses."""
_REPORT_SECONDS: Final = 60.0
"""Seconds between two such notices."""
_RESPONSES: Final = "Response"
"""Prefix of the notices about responses: records of acts, which have bounds of their own (core/respond)."""
_ALERT_BYTES: Final = 1_000
"""Bytes of an alert besides its texts, measured roughly; only bounds memory."""


class _Repeats(msgspec.Struct):
    first: Alert
    until: float
    bytes: int
    count: int = 0
    last_time: int = 0


class AlertLimiter:
    """Suppression of repeats (`dedup_seconds`) and of bursts (`rate`, `burst`: a token bucket per rule), also of what
    mozu raises by itself (`own_rate`, `own_burst`).

    The first of equal messages of a rule passes at once; repeats within `dedup_seconds` become one summary with their
    number.
    """

    def __init__(
        self,
        *,
        dedup_seconds: float = 0.0,
        rate: float = 0.0,
        burst: int = 100,
        own_rate: float = 0.0,
        own_burst: int = 100,
        max_messages: int = _MAX_MESSAGES,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._dedup_seconds = dedup_seconds
        self._buckets, self._own = TokenBuckets(rate, burst), TokenBuckets(own_rate, own_burst)
        self._report_at: float | None = None
        """Time from which on folded alerts are reported; None if there are none."""
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._repeats: OrderedDict[tuple[str, str], _Repeats] = OrderedDict()
        """Messages under observation by (rule, message); in the order in which their dedup time ends, which is equally
        long for all."""
        self._ended: list[_Repeats] = []
        """Messages whose summary the next call of `due` yields."""
        self._bytes = 0
        """Bytes of the messages in `_repeats` and `_ended`."""

    @property
    def off(self) -> bool:
        """True if neither dedup nor rate limit is configured."""
        return not self._dedup_seconds and not self._buckets.rate

    def passes(self, alert: Alert, now: float) -> bool:
        """Return True if the alert may continue; one that may not is counted, and reported by `due`, `rate_limited` or
        `folded`."""
        if self._own.rate and _is_own(alert) and not self._own.passes(alert, now):
            self._report_at = now + _REPORT_SECONDS if self._report_at is None else self._report_at
            return False
        if alert.source == "internal":
            return True
        if self._dedup_seconds and self._is_repeat(alert, now):
            return False
        return not self._buckets.rate or self._buckets.passes(alert, now)

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
        return self._buckets.suppressed()

    def folded(self, now: float | None) -> Iterator[RateLimited]:
        """Yield what the own limit has suppressed, one item per rule, a minute after it began (`now` None: at once)."""
        if self._report_at is not None and (now is None or now >= self._report_at):
            self._report_at = None
            yield from self._own.suppressed()

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


def _is_own(alert: Alert) -> bool:
    """Return True for what mozu raises by itself: a notice below Error that records no response, an alert of a rule of
    its own below Warning.
    Alerts that another mozu has raised have no pairs."""
    if alert.source == "internal":
        return alert.priority > Severity.ERROR and alert.rule != FOLDED and not alert.rule.startswith(_RESPONSES)
    return alert.priority > Severity.WARNING and alert.rule_id.startswith(_OWN) and bool(alert.template.pairs)


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
