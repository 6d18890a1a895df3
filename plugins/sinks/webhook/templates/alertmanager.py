"""Alertmanager: POST /api/v2/alerts.

Labels are an alert's identity there: because of `uuid` two alerts are never merged, and a repeated one is.
"""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

ALERTMANAGER: Final = BuiltinTemplate(
    {
        "labels": {
            "alertname": "${rule}",
            "rule": "${rule}",
            "priority": "${priority}",
            "severity": "${level}",
            "source": "${source}",
            "hostname": "${hostname}",
            "uuid": "${uuid}",
        },
        "annotations": {"summary": "${rule}", "description": "${output}", "tags": "${tags|text}"},
        "startsAt": "${time}",
    },
    ("array",),
)
