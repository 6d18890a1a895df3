"""Google Security Operations: the method `events.import` of the Chronicle API, with events of its Unified Data Model.

Names and enumerators are those of the reference (UDM, Metadata, Noun, Process and SecurityResult of the API's shared
types), in proto3's JSON. Every alert is a GENERIC_EVENT, since other types require nouns that not every alert has, and
the receiver refuses a request as a whole if one of its events is invalid. The principal is the process that acted;
`additional` takes any JSON. With `format: ecs` the fields of process and user are known, whatever the rule's output
names.
"""

from typing import Any, Final

from mozu.core.api import Severity
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

_SEVERITIES: Final = {
    Severity.EMERGENCY: "CRITICAL", Severity.ALERT: "CRITICAL", Severity.CRITICAL: "CRITICAL", Severity.ERROR: "HIGH",
    Severity.WARNING: "MEDIUM", Severity.NOTICE: "LOW", Severity.INFORMATIONAL: "INFORMATIONAL",
    Severity.DEBUG: "INFORMATIONAL",
}  # fmt: skip
"""Enumerators of ProductSeverity."""


def _process(prefix: str) -> dict[str, Any]:
    """Return a Process whose values are those of the fields that begin with `prefix`."""
    return {
        "pid": f"${{known.{prefix}pid:-|text}}",
        "commandLine": f"${{known.{prefix}cmdline:-|text}}",
        "file": {"fullPath": f"${{known.{prefix}exepath:-|text}}"},
    }


GOOGLE_UDM: Final = BuiltinTemplate(
    {
        "udm": {
            "metadata": {
                "eventType": "GENERIC_EVENT",
                "eventTimestamp": "${time}",
                "productLogId": "${uuid}",
                "productEventType": "${rule}",
                "description": "${message}",
                "vendorName": "mozu",
                "productName": "mozu",
            },
            "principal": {
                "hostname": "${hostname|text}",
                "platform": "LINUX",
                "user": {"userid": "${known.user.name:-|text}"},
                "process": {**_process("proc."), "parentProcess": _process("proc.p")},
            },
            "securityResult": [
                {
                    "alertState": "ALERTING",
                    "ruleName": "${rule}",
                    "ruleId": "${rule_id:-|text}",
                    "severity": "${level}",
                    "severityDetails": "${priority}",
                    "summary": "${message}",
                }
            ],
            "additional": {
                "agent": "${agent}",
                "sink": "${sink}",
                "epoch": "${epoch|text}",
                "sequence": "${sequence|text}",
                "source": "${source}",
                "tags": "${tags}",
                "techniques": "${technique_ids}",
                "next": "${next}",
                "entity_id": "${known.proc.entity_id}",
                "output_fields": "${output_fields}",
            },
        }
    },
    ("array",),
    levels=_SEVERITIES,
    envelope=(b'{"inlineSource":{"events":', b"}}"),
)
