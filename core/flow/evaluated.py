"""Checks of the result of `evaluate` for what later stages rely on: a wrong alert is the fault of its evaluator."""

from collections.abc import Callable, Sequence

from mozu.core.isolation.isolated import Isolation
from mozu.core.model.alert import Alert, Severity, Template

Emit = Callable[[Alert, Isolation], None]
"""Function that emits an alert, given the alert and the evaluator it comes from."""


def alerts_of(found: object) -> Sequence[Alert]:
    """Return the result unchanged if it is a sequence of well-formed alerts. Raises TypeError."""
    if isinstance(found, str | bytes) or not isinstance(found, Sequence):
        raise TypeError(f"evaluate() must give a sequence of alerts, not {type(found).__name__}")
    for alert in found:
        if not isinstance(alert, Alert):
            raise TypeError(f"evaluate() must give alerts, not {type(alert).__name__}")
        _check(alert)
    return found


def _check(alert: Alert) -> None:
    members = (
        ("rule", alert.rule, str), ("priority", alert.priority, Severity), ("source", alert.source, str),
        ("time", alert.time, int), ("template", alert.template, Template), ("values", alert.values, dict),
    )  # fmt: skip
    for name, value, kind in members:
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` of an alert must be {kind.__name__}, not {type(value).__name__}")
