"""Splunk's HTTP event collector, /services/collector/event: events one after another in a request."""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

EVENT: Final = {
    "uuid": "${uuid}",
    "rule": "${rule}",
    "priority": "${priority}",
    "output": "${output}",
    "source": "${source}",
    "time": "${time}",
    "tags": "${tags}",
    "output_fields": "${output_fields}",
    "agent": "${agent}",
    "sink": "${sink}",
    "epoch": "${epoch}",
    "sequence": "${sequence}",
}
"""Event that contains an alert."""

SPLUNK_HEC: Final = BuiltinTemplate(
    {
        "time": "${time_s}",
        "host": "${hostname}",
        "source": "mozu",
        "sourcetype": "mozu:alert",
        "event": EVENT,
    },
    ("ndjson", "single"),
    "Splunk",
)
