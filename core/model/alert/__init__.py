"""Alerts, which rules raise and sinks deliver, with their templates, priorities and notes."""

from mozu.core.model.alert.alert import Alert, alert_id
from mozu.core.model.alert.attack import Attack, attack
from mozu.core.model.alert.notes import NO_NOTES, RuleNotes
from mozu.core.model.alert.severity import LEVELS, Levels, Severity
from mozu.core.model.alert.stamp import Stamp
from mozu.core.model.alert.template import Ref, Template, render_value

__all__ = [
    "LEVELS",
    "NO_NOTES",
    "Alert",
    "Attack",
    "Levels",
    "Ref",
    "RuleNotes",
    "Severity",
    "Stamp",
    "Template",
    "alert_id",
    "attack",
    "render_value",
]
