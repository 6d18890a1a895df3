"""Reports of components that do less than they seem to: rules on events that no source brings, on a field whose values
were wrong or on fields of an enricher that could not get its data, and responders that act on no alert of a source."""

import logging
import time
from collections.abc import Callable, Sequence

from mozu.core.common.backoff import Backoff
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.evaluation import Evaluation
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.unacted_sources import unacted_sources
from mozu.core.runtime.unfed_sources import unfed_sources

_log = logging.getLogger("mozu.engine")
_FIRST, _LONGEST = 60.0, 3600.0
"""Seconds between two notices of one enricher that does not answer."""


def report_unfed(assembly: Assembly, evaluation: Evaluation) -> None:
    """Log at the start the rules on events that no source brings."""
    for text in unfed_sources((one.declaration for one in assembly.sources), evaluation.demand()).values():
        _log.warning("%s", text)


def report_unacted(assembly: Assembly) -> None:
    """Log at the start the sources on whose alerts no responder acts."""
    if assembly.responders:
        for _, text in unacted_sources((one.isolated.name, one.declaration) for one in assembly.sources):
            _log.warning("%s", text)


def report_impaired(assembly: Assembly, evaluation: Evaluation, alerts: AlertPipeline) -> None:
    """Report the impaired fields found since the last call."""
    for fault in assembly.impaired.take():
        rules = evaluation.rules_reading(fault.field)
        which = f"rules impaired: {', '.join(rules)}" if rules else "no rule in force names it"
        alerts.notice(
            "Field impaired", Severity.ERROR, f"{fault.text}; {which}",
            field=fault.field, plugin=fault.plugin, rules=", ".join(rules),
        )  # fmt: skip


class UnansweredReport:
    """Reports of events that were judged without an enricher's data, with the rules that read the data: the first at
    once, then their number, at longer and longer intervals."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reported: dict[str, int] = {}
        """Enricher → its count at the last notice."""
        self._next: dict[str, Backoff] = {}

    def report(self, assembly: Assembly, evaluation: Evaluation, alerts: AlertPipeline) -> None:
        """Report the enrichers whose count has grown, if their interval is over."""
        for asked in assembly.key_lookups:
            name, count = asked.lookups.name, int(asked.lookups.unanswered.value)
            backoff = self._next.setdefault(name, Backoff(_FIRST, _LONGEST, jitter=0.0, clock=self._clock))
            if count == self._reported.get(name, 0) or backoff.left():
                continue
            backoff.failed()
            fields = [one.name for one in assembly.fields if asked.needs.intersection(one.needs or ())]
            rules = list(dict.fromkeys(rule for field in fields for rule in evaluation.rules_reading(field)))
            _notice_unanswered(alerts, name, count - self._reported.get(name, 0), rules)
            self._reported[name] = count


def _notice_unanswered(alerts: AlertPipeline, name: str, count: int, rules: Sequence[str]) -> None:
    text = f"enricher {name}: {count} events were judged without its data, for it could not ask for them"
    which = f"rules impaired: {', '.join(rules)}" if rules else "no rule in force reads its fields"
    alerts.notice(
        "Enricher unanswered", Severity.ERROR, f"{text}; {which}", enricher=name, events=count, rules=", ".join(rules)
    )
