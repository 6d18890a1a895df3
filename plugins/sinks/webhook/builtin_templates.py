"""Built-in body templates (falcosidekick, Alertmanager, Splunk HEC, text) and how their receivers take them."""

from typing import Any, Final, Literal

import msgspec

BatchFormat = Literal["single", "array", "ndjson"]


class BuiltinTemplate(msgspec.Struct, frozen=True):
    """One template."""

    body: Any
    batches: tuple[BatchFormat, ...]
    """What the receiver takes, the default first."""
    token_scheme: str = "Bearer"


BUILTIN_TEMPLATES: Final = {
    # the fields of falcosidekick's own types; it takes one object a request
    "falcosidekick": BuiltinTemplate(
        {
            "uuid": "${uuid}",
            "output": "${output}",
            "priority": "${priority}",
            "rule": "${rule}",
            "time": "${time}",
            "source": "${source}",
            "output_fields": "${output_fields}",
            "hostname": "${hostname}",
            "tags": "${tags}",
        },
        ("single",),
    ),
    # POST /api/v2/alerts. Labels are an alert's identity there: with `uuid` among them two alerts are never merged, and
    # one that is sent twice is.
    "alertmanager": BuiltinTemplate(
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
    ),
    # HTTP event collector, /services/collector/event: events one after another in a request
    "splunk_hec": BuiltinTemplate(
        {
            "time": "${time_s}",
            "host": "${hostname}",
            "source": "mozu",
            "sourcetype": "mozu:alert",
            "event": {
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
            },
        },
        ("ndjson", "single"),
        "Splunk",
    ),
    # what chat systems' incoming hooks agree on
    "text": BuiltinTemplate({"text": "${output}"}, ("single",)),
}

TemplateName = Literal["falcosidekick", "alertmanager", "splunk_hec", "text"]
