"""Loss accounting: counts of lost events and dropped alerts become notices (`Events lost`, `Event flood`, `Alerts
dropped`, `Gap`).

Sources count events that did not fit into the ring buffer (`Counts.lost`, `Counts.missed`), and queues count alerts
that did not fit into them (`sink_alerts_dropped_total`). Here both are compared with the last call.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mozu.core.api import Counts, ReportsGaps
from mozu.core.delivery.alert_queue import DroppedRange
from mozu.core.delivery.given_up import NOTICE
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.drop_report import DropReport
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.flood_report import FloodReport
from mozu.core.flow.forgery_report import ForgeryReport
from mozu.core.flow.source_pump import SourcePump
from mozu.core.model.alert import Severity
from mozu.core.model.fields import Lookups
from mozu.core.model.syscalls import event_type
from mozu.core.state import OF_PROCESSES

_MAX_RANGES = 500
"""The most ranges of numbers in one notice."""
_MAX_TYPES = 5
"""The most event types that a notice names."""
_FEW: Final = 10
"""Lost events since the last call below which a loss is a warning, whatever its share: 2 of 2 is no outage."""
_SEVERITIES: Final = ((0.1, Severity.CRITICAL), (0.01, Severity.ERROR), (0.0, Severity.WARNING))
"""Share of an event type's wanted events that was lost since the last call → severity of the notice, worst first."""


class LossAccounting:
    """A comparison of the counts of sources and queues with those of the last call of `report`."""

    def __init__(
        self, alerts: AlertPipeline, pumps: Sequence[SourcePump], evaluation: Evaluation,
        lookups: Lookups | None = None,
    ) -> None:  # fmt: skip
        """Set up the comparison. `lookups` are those of the run, in which enrichers note forgeries."""
        self._alerts, self._pumps, self._evaluation = alerts, tuple(pumps), evaluation
        self._floods, self._drops = FloodReport(alerts), DropReport()
        self._forgeries = ForgeryReport(alerts, Lookups() if lookups is None else lookups)
        self._unevaluated: dict[str, int] = {}
        """Evaluator → events reported as not evaluated so far."""
        self._dropped: dict[str, int] = {}
        """Source → events reported as dropped so far."""
        self._reported: dict[str, dict[str, int]] = {}
        """Source → event type → events reported as lost so far."""
        self._wanted: dict[str, dict[str, int]] = {}
        """Source → event type → events that were not filtered at the last call."""
        self._shed: dict[str, int] = {}
        """Source → reported lost events that were over the share of their account."""

    def report(self, *, at_end: bool = False) -> None:
        """Emit a notice for what has been lost since the last call, by sources and at full queues. `at_end`: log every
        dropped alert that the log does not count yet."""
        for pump in self._pumps:
            self._lost_events(pump, pump.pipeline.counts.now())
            self._events_dropped(pump)
            self._floods.report(pump)
            self._gaps(pump)
        self._events_unevaluated()
        self._forgeries.report()
        for worker in self._alerts.workers:
            for problem in worker.queue.take_problems():
                self._alerts.notice("Spool damaged", Severity.CRITICAL, problem, sink=worker.name)
            dropped = [*worker.queue.take_dropped(), *worker.given_up.take()]
            self._alerts_dropped(worker.name, dropped)
            worker.queue.announced(dropped)
            self._drops.report(worker, at_end=at_end)

    def _alerts_dropped(self, sink: str, dropped: Sequence[DroppedRange]) -> None:
        """Emit one notice for many ranges of one reason: dropping by priority leaves gaps all over."""
        by_reason: dict[str, list[DroppedRange]] = {}
        for found in dropped:
            by_reason.setdefault(found.reason, []).append(found)
        for reason, ranges in by_reason.items():
            for start in range(0, len(ranges), _MAX_RANGES):
                self._notice_dropped(sink, reason, ranges[start : start + _MAX_RANGES])

    def _notice_dropped(self, sink: str, reason: str, ranges: Sequence[DroppedRange]) -> None:
        count = sum(found.last - found.first + 1 for found in ranges)
        numbers = ",".join(f"{one.first}-{one.last}" if one.last > one.first else str(one.first) for one in ranges)
        first, last = ranges[0].first, ranges[-1].last
        what = f"alerts {first} to {last}" if len(ranges) == 1 else f"{count} alerts between {first} and {last}"
        # `first` and `last` are there only where everything between them was dropped
        span = {"first": first, "last": last} if len(ranges) == 1 else {}
        self._alerts.notice(
            NOTICE,
            Severity.CRITICAL,
            f"sink {sink} dropped {what}: {reason}",
            sink=sink,
            count=count,
            numbers=numbers,
            **span,
        )

    def _events_unevaluated(self) -> None:
        """Report events of evaluators on a thread or in a process of their own that are too slow for the input."""
        for name, total in self._evaluation.unevaluated().items():
            fresh = total - self._unevaluated.get(name, 0)
            if fresh:
                self._unevaluated[name] = total
                self._alerts.notice(
                    "Events not evaluated",
                    Severity.CRITICAL,
                    f"evaluator {name} was not given {fresh} events: it is too slow for them, or has not answered",
                    evaluator=name,
                    count=fresh,
                    total=total,
                )

    def _events_dropped(self, pump: SourcePump) -> None:
        """Report events dropped at the event gate because memory is short."""
        total = pump.pipeline.dropped.value
        fresh = total - self._dropped.get(pump.name, 0)
        if fresh:
            self._dropped[pump.name] = total
            self._alerts.notice(
                "Events dropped",
                Severity.CRITICAL,
                f"{fresh} events of source {pump.name} were not evaluated: mozu's memory is at its limit",
                evt_source=pump.name,
                count=fresh,
                total=total,
            )

    def _over_share(self, source: str, counts: Mapping[str, Counts]) -> int:
        """Return the number of events since the last call that were lost because their account was over its share."""
        total = sum(count.over_share for count in counts.values())
        fresh = total - self._shed.get(source, 0)
        self._shed[source] = total
        return fresh

    def lost_total(self) -> int:
        """Return the number of events that sources have lost, or that were dropped, as far as reported."""
        return sum(sum(types.values()) for types in self._reported.values()) + sum(self._dropped.values())

    def _gaps(self, pump: SourcePump) -> None:
        """Report breaks in a source's time that it knows of (`ReportsGaps`): a step of the clock, a restart."""
        source, gaps = pump.pipeline.source, list[str]()
        if isinstance(source.component, ReportsGaps):
            with source.contained("report gaps"):
                gaps = [str(gap) for gap in source.component.take_gaps()]
        for text in gaps:
            self._alerts.notice("Gap", Severity.WARNING, f"source {pump.name}: {text}", evt_source=pump.name)

    def _lost_events(self, pump: SourcePump, counts: Mapping[str, Counts]) -> None:
        reported, before = self._reported.setdefault(pump.name, {}), self._wanted.get(pump.name, {})
        self._wanted[pump.name] = wanted = {kind: count.seen - count.filtered for kind, count in counts.items()}
        fresh = {}
        for kind, count in counts.items():
            lost = count.lost + (count.missed or 0)
            if lost > reported.get(kind, 0):
                fresh[kind] = lost - reported.get(kind, 0)
                reported[kind] = lost
        if not fresh:
            return
        if any(kind in OF_PROCESSES or event_type(kind) is None for kind in fresh):
            pump.reconcile()  # a name that is no event type is an entry path: calls of any type were lost there
        worst = sorted(fresh.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{kind} {number}" for kind, number in worst[:_MAX_TYPES])
        more = f" and {len(worst) - _MAX_TYPES} more types" if len(worst) > _MAX_TYPES else ""
        share, _, worst_type = max(
            (_share(number, wanted[kind] - before.get(kind, 0)), number, kind) for kind, number in fresh.items()
        )
        lost = sum(fresh.values())
        self._alerts.notice(
            "Events lost",
            _severity(lost, share),
            f"source {pump.name} lost {lost} events: {shown}{more} (at worst {100 * share:.1f} % of {worst_type})",
            evt_source=pump.name,
            lost=lost,
            worst_type=worst_type,
            worst_percent=round(100 * share),
            lost_total=sum(reported.values()),
            over_share=self._over_share(pump.name, counts),
        )


def _share(lost: int, wanted: int) -> float:
    """Return the share of the wanted events that was lost, 0.0 to 1.0; an entry path counts no events but lost ones."""
    return lost / max(lost, wanted)


def _severity(lost: int, share: float) -> Severity:
    """Return the severity of a loss of `lost` events, at most `share` of the wanted events of one type."""
    if lost < _FEW:
        return Severity.WARNING
    return next(severity for least, severity in _SEVERITIES if share >= least)
