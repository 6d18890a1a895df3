"""Reports of what does less than it seems to: rules on events that no source brings, or on a field whose values were
found to be wrong, and responders that act on no alert of a source."""

import logging

from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.evaluation import Evaluation
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.unacted_sources import unacted_sources
from mozu.core.runtime.unfed_sources import unfed_sources

_log = logging.getLogger("mozu.engine")


def report_unfed(assembly: Assembly, evaluation: Evaluation) -> None:
    """Log at the start the rules on events that no source brings."""
    for text in unfed_sources((one.declaration for one in assembly.sources), evaluation.demand()).values():
        _log.warning("%s", text)


def report_unacted(assembly: Assembly) -> None:
    """Log at the start on whose alerts no responder acts."""
    if assembly.responders:
        for _, text in unacted_sources((one.isolated.name, one.declaration) for one in assembly.sources):
            _log.warning("%s", text)


def report_impaired(assembly: Assembly, evaluation: Evaluation, alerts: AlertPipeline) -> None:
    """Those found since the last look."""
    for fault in assembly.impaired.take():
        rules = evaluation.rules_reading(fault.field)
        which = f"rules impaired: {', '.join(rules)}" if rules else "no rule in force names it"
        alerts.notice(
            "Field impaired", Severity.ERROR, f"{fault.text}; {which}",
            field=fault.field, plugin=fault.plugin, rules=", ".join(rules),
        )  # fmt: skip
