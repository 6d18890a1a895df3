"""Templates that ship, with how their receivers want them."""

from typing import Any, Final, Literal

import msgspec

Batch = Literal["single", "array", "ndjson"]


class Shipped(msgspec.Struct, frozen=True):
    """One template."""

    body: Any
    batches: tuple[Batch, ...]
    """What the receiver takes, the default first."""
    token_scheme: str = "Bearer"


SHIPPED: Final = {
    # what falcosidekick's own types hold; it takes one object a request
    "falcosidekick": Shipped(
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
    # POST /api/v2/alerts. Labels are an alert's identity there: with `uuid` among them no two alerts are taken for one,
    # and one that is sent again is.
    "alertmanager": Shipped(
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
    "splunk_hec": Shipped(
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
    "text": Shipped({"text": "${output}"}, ("single",)),
}

TemplateName = Literal["falcosidekick", "alertmanager", "splunk_hec", "text"]
