"""PagerDuty's Events API 2: POST https://events.pagerduty.com/v2/enqueue.

It has four severities; a summary has 1024 characters, a `dedup_key` 255
(https://developer.pagerduty.com/docs/events-api-v2-overview). With the alert's id as key a retry makes no second
incident.
"""

from typing import Final

from mozu.core.api import Severity
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate, Levels

_FOUR: Final[Levels] = {
    severity: "critical" if severity <= Severity.CRITICAL else
    "error" if severity is Severity.ERROR else
    "warning" if severity is Severity.WARNING else "info"
    for severity in Severity
}  # fmt: skip

PAGERDUTY: Final = BuiltinTemplate(
    {
        "routing_key": "${secret.routing_key}",
        "event_action": "trigger",
        "dedup_key": "${uuid|max255}",
        "client": "mozu",
        "payload": {
            "summary": "${output:-alert|max1024}",
            "source": "${hostname:-unknown}",
            "severity": "${level}",
            "timestamp": "${time}",
            "component": "${source}",
            "group": "${agent}",
            "class": "${rule}",
            "custom_details": "${output_fields}",
        },
    },
    ("single",),
    levels=_FOUR,
    secrets=("routing_key",),
)
