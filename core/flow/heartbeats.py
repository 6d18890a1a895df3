"""Heartbeats: a notice for each sink that wants one, sent once each source has proved that it sees.

Before a heartbeat every source that can (`MakesProbes`) causes an event, which must come through kernel, ring buffer,
state and evaluators; the heartbeat is sent whether it does or not, and says so. Its sequence number is the sink's next
one, so that a lost last alert shows as a gap before it. At most one heartbeat waits for a destination: the next one is
made, with fresh numbers, once that has left the queue, and until then uses no number, so that nothing has to be
deleted.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.source_probe import ProbeResult
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity

_LONGEST_PAUSE: Final = 1.0
"""Seconds after which a sink whose last heartbeat had not left the queue is checked again."""
_SHORTEST_PAUSE: Final = 0.05
_DROPPED_AFTER: Final = 3
"""Intervals after which a heartbeat that has not left the queue, while others were delivered, counts as dropped."""


class Heartbeats:
    """The heartbeats of all sinks of a run. `intervals`: sink → seconds, 0 for none."""

    def __init__(
        self,
        alerts: AlertPipeline,
        pumps: Sequence[SourcePump],
        losses: LossAccounting,
        metrics: Metrics,
        *,
        intervals: Mapping[str, float],
        version: str,
        rules_digest: Callable[[], str],
    ) -> None:
        self._alerts, self._pumps, self._losses, self._metrics = alerts, tuple(pumps), losses, metrics
        self._version, self._rules_digest = version, rules_digest
        self._isolation = Isolation("pipeline", "heartbeats", metrics)
        self._sinks: list[_Schedule] = []
        self._wanted = asyncio.Event()
        self.use(intervals)

    def use(self, intervals: Mapping[str, float]) -> None:
        """Use these intervals for the present workers (a reload). An unchanged schedule continues."""
        before = {(sink.worker, sink.interval): sink for sink in self._sinks}
        self._sinks = [
            before.get((worker, intervals[worker.name])) or _Schedule(worker, intervals[worker.name])
            for worker in self._alerts.workers
            if intervals.get(worker.name)
        ]
        if self._sinks:
            self._wanted.set()
        else:
            self._wanted.clear()

    async def run(self) -> None:
        """Send heartbeats until cancelled; stopping waits for none."""
        while True:
            await self._wanted.wait()
            now = asyncio.get_running_loop().time()
            due = [sink for sink in self._sinks if sink.is_due(now)]
            if due:
                results = await asyncio.gather(*(pump.pipeline.probe.run() for pump in self._pumps))
                states = {pump.name: result for pump, result in zip(self._pumps, results, strict=True)}
                for sink in due:
                    with self._isolation.contained(f"send one to {sink.worker.name}"):
                        self._send(sink.worker, sink.interval, states)
                    sink.sent(now)
            now = asyncio.get_running_loop().time()
            pause = min((sink.next - now for sink in self._sinks), default=0.0)
            late = any(sink.next <= now for sink in self._sinks)
            await asyncio.sleep(_LONGEST_PAUSE if late else max(_SHORTEST_PAUSE, min(pause, _LONGEST_PAUSE)))

    def _send(self, worker: SinkWorker, interval: float, states: Mapping[str, ProbeResult]) -> None:
        by_result: dict[ProbeResult, list[str]] = {"passed": [], "failed": [], "not checked": []}
        for name, result in states.items():
            by_result[result].append(name)
        failed = by_result["failed"]
        if failed:
            text = f"mozu lives, and does not see: of {', '.join(failed)} not even an event of its own came through"
        else:
            text = "mozu lives"
        self._alerts.heartbeat(
            worker,
            Severity.CRITICAL if failed else Severity.INFORMATIONAL,
            text,
            version=self._version,
            interval=round(interval) or 1,
            sources_passed=",".join(by_result["passed"]),
            sources_failed=",".join(failed),
            sources_not_checked=",".join(by_result["not checked"]),
            events_lost=self._losses.lost_total(),
            alerts_dropped=_dropped(self._metrics, worker.name),
            rules_digest=self._rules_digest(),
        )


class _Schedule:
    """The schedule of one sink's heartbeats."""

    def __init__(self, worker: SinkWorker, interval: float) -> None:
        self.worker, self.interval = worker, interval
        self.next = self._sent = 0.0
        self._delivered = worker.delivered

    def is_due(self, now: float) -> bool:
        if now < self.next:
            return False
        if not self.worker.heartbeat:
            return True
        moves = self.worker.delivered > self._delivered
        return moves and now >= self._sent + _DROPPED_AFTER * self.interval

    def sent(self, now: float) -> None:
        self._sent, self._delivered = now, self.worker.delivered
        following = self.next + self.interval
        self.next = following if following > now else now + self.interval  # what was missed is not made up for


def _dropped(metrics: Metrics, sink: str) -> int:
    """Return the number of alerts that this sink has dropped, for any reason."""
    mine = {("kind", "sink"), ("id", sink)}
    return sum(
        int(value)
        for name, labels, value in metrics.collect()
        if name == "sink_alerts_dropped_total" and mine <= set(labels.items())
    )
