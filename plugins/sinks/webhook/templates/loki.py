"""Grafana Loki: POST /loki/api/v1/push.

Labels are few: rule, priority, source and host; the line is the alert in its `format`, at its time in nanoseconds
(https://grafana.com/docs/loki/latest/reference/loki-http-api/).
"""

from typing import Final

from mozu.core.api import Severity
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

LOKI: Final = BuiltinTemplate(
    {
        "stream": {
            "job": "mozu",
            "rule": "${rule}",
            "priority": "${priority}",
            "level": "${level}",
            "source": "${source}",
            "hostname": "${hostname}",
        },
        "values": [["${time_ns|text}", "${record|text}"]],
    },
    ("array",),
    levels={
        severity: "critical" if severity <= Severity.CRITICAL else
        {3: "error", 4: "warning", 5: "info", 6: "info", 7: "debug"}[severity]
        for severity in Severity
    },  # words that Grafana has colours for
    envelope=(b'{"streams":', b"}"),
)  # fmt: skip
