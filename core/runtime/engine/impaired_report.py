"""Notices of rules that read a field whose values were found to be wrong."""

from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.evaluation import Evaluation
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.built import Assembly


def report_impaired(assembly: Assembly, evaluation: Evaluation, alerts: AlertPipeline) -> None:
    """Those found since the last look."""
    for fault in assembly.impaired.take():
        rules = evaluation.rules_reading(fault.field)
        which = f"rules impaired: {', '.join(rules)}" if rules else "no rule in force names it"
        alerts.notice(
            "Field impaired", Severity.ERROR, f"{fault.text}; {which}",
            field=fault.field, plugin=fault.plugin, rules=", ".join(rules),
        )  # fmt: skip
