"""The pipeline of alerts: the stages that an alert passes to the queues of the sinks, from top to bottom.

`AlertPipeline.emit`, one for all sources:

    redact      hide secrets
    shadow      keep samples of the alerts of rules in shadow mode, which pass no limiter
    limit       dedup and rate limit
    fan out     packed, to every sink worker, which routes and enqueues

One pass, on the event loop, which never waits.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.delivery.alert_limiter import FOLDED, AlertLimiter
from mozu.core.delivery.packed_alert import AlertPacker
from mozu.core.delivery.plain import envelope_fault, plain_alert
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.notice import notice_form
from mozu.core.flow.shadow_samples import ShadowSamples
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, alert_id

SHADOW_TAG: Final = "shadow"
"""Tag that alerts of rules in shadow mode get, so that every format shows the mode."""


class AlertPipeline:
    """The stages that the alerts of all sources pass: redact, shadow or limit, fan out."""

    def __init__(
        self,
        workers: Sequence[SinkWorker],
        *,
        hostname: str,
        redact: Callable[[Alert], None],
        limiter: AlertLimiter,
        metrics: Metrics,
        host_id: str = "",
    ) -> None:
        self.workers = tuple(workers)
        """The sinks' workers; a reload replaces the tuple."""
        self._hostname, self._redact, self._limiter = hostname, redact, limiter
        self._own = {"evt.host_id": host_id} if host_id else {}
        """Fields that formats show of notices, which have no event."""
        self._emitted = metrics.counter("alerts_total")
        self._suppressed = metrics.counter("alerts_suppressed_total")
        self._packer, self.shadow = AlertPacker(), ShadowSamples()
        self._notices = 0
        self._isolation = Isolation("pipeline", "alerts", metrics)

    def use(
        self, workers: Sequence[SinkWorker], *, redact: Callable[[Alert], None], limiter: AlertLimiter
    ) -> None:
        """Replace workers, redactor and limiter, from the next alert on (a reload). What a former limiter has held back
        is reported first."""
        if limiter is not self._limiter:
            self.report_suppressed(at_end=True)
        self.workers, self._redact, self._limiter = tuple(workers), redact, limiter

    def emit(self, alert: Alert) -> bool:
        """Send an alert to every sink, unless dedup or the rate limit suppresses it; return True if it passed these.

        Never raises, whatever the alert contains: an alert that cannot be redacted is sent without its values, and one
        that cannot be rendered is not limited.
        """
        alert.hostname = alert.hostname or self._hostname
        fault = envelope_fault(alert)
        if fault is not None:
            self._isolation.failed("read an alert", fault)
            alert = plain_alert(alert, fault)
        alert = self._redacted(alert)
        if alert.shadow:
            self._keep_sample(alert)
            passes = True
        else:
            self._emitted.value += 1
            passes = self._within_limits(alert)
        if passes:
            self._fan_out(alert)
        else:
            self._suppressed.value += 1
        return passes

    def _redacted(self, alert: Alert) -> Alert:
        try:
            self._redact(alert)
        except BaseException as error:  # what one alert contains stops no other
            if is_ours(error):
                raise
            self._isolation.failed("redact an alert", error)
            return plain_alert(alert, error, values=False)
        return alert

    def _keep_sample(self, alert: Alert) -> None:
        alert.tags = tuple(sorted({*alert.tags, SHADOW_TAG}))
        try:
            self.shadow.keep(alert)
        except BaseException as error:  # what one alert contains stops no other
            if is_ours(error):
                raise
            self._isolation.failed("keep a sample of an alert", error)

    def _within_limits(self, alert: Alert) -> bool:
        try:
            return self._limiter.passes(alert, time.monotonic())
        except BaseException as error:  # a limiter that fails stops no alert
            if is_ours(error):
                raise
            self._isolation.failed("limit an alert", error)
            return True

    def _fan_out(self, alert: Alert) -> None:
        packed = self._packer.pack(alert)
        for worker in self.workers:
            worker.accept(packed)

    def notice(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """Send an alert of mozu about itself (source `internal`) to every sink: loss, gaps, restarts."""
        self.emit(self._notice(rule, priority, text, fields))

    def heartbeat(self, worker: SinkWorker, priority: Severity, text: str, **fields: str | int) -> None:
        """Send a notice to one sink, which keeps at most one of them (`SinkWorker.put_heartbeat`)."""
        alert = self._notice("Heartbeat", priority, text, fields)
        alert.hostname = self._hostname
        worker.put_heartbeat(self._packer.pack(alert))

    def _notice(self, rule: str, priority: Severity, text: str, fields: dict[str, str | int]) -> Alert:
        self._notices += 1
        now = time.time_ns()
        template, values = notice_form(text, fields)
        return Alert(
            rule=rule,
            priority=priority,
            source="internal",
            time=now,
            template=template,
            values=dict(values),
            enrichment=dict(self._own),
            id=alert_id(now, f"{self._hostname}/internal/{self._notices}", rule),
        )

    def end_dedup(self) -> int:
        """End the dedup time of half of the messages early, because memory is short; return how many."""
        return self._limiter.shrink()

    def report_suppressed(self, *, at_end: bool = False) -> None:
        """Emit the summaries of repeats whose time is over, and a notice for each rule at its rate limit. Called every
        second."""
        for alert in self._limiter.due(None if at_end else time.monotonic()):
            self._fan_out(alert)
        for folded in self._limiter.folded(None if at_end else time.monotonic()):
            self.notice(
                FOLDED,
                Severity.NOTICE,
                f"{folded.count} alerts of the rule {folded.rule!r} were folded into this one (alert_limiter.own_rate)",
                suppressed_rule=folded.rule,
                count=folded.count,
                since=folded.since,
            )
        for limited in self._limiter.rate_limited():
            self.notice(
                "Alerts rate-limited",
                Severity.WARNING,
                f"{limited.count} alerts of the rule {limited.rule!r} were suppressed because there were too many",
                suppressed_rule=limited.rule,
                count=limited.count,
                since=limited.since,
            )

    async def wait_capacity(self) -> None:
        """Wait until the queue of every sink is at most half full (backpressure)."""
        for worker in self.workers:
            await worker.queue.wait_capacity()

    async def wait_persisted(self) -> None:
        """Wait until every alert so far is on disk, delivered, or dropped by policy, at every sink."""
        positions = [(worker, worker.queue.position()) for worker in self.workers]
        for worker, position in positions:
            await worker.queue.wait_persisted(position)


def unacknowledged(workers: Sequence[SinkWorker]) -> str:
    """Name the sinks with alerts that are neither on disk nor acknowledged, and how many each has; empty if none
    has."""
    found = [(worker.name, worker.queue.in_memory()) for worker in workers]
    return ", ".join(f"sink {name}, which has not acknowledged {count} alerts" for name, count in found if count)
