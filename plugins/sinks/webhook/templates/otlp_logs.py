"""OpenTelemetry logs over HTTP with JSON: POST /v1/logs.

Severity numbers are those of the log data model (https://opentelemetry.io/docs/specs/otel/logs/data-model/); the JSON
is that of the protocol (https://opentelemetry.io/docs/specs/otlp/): numbers of 64 bits are texts, keys in
lowerCamelCase.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from mozu.core.api import Outcome, Rejected
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate


def partial_success(body: bytes, count: int) -> Sequence[Outcome] | None:
    """Return the outcomes from `partialSuccess`, which has the number of refused alerts: with one alert it is that one;
    None if it is unclear which."""
    try:
        answer = orjson.loads(body or b"{}").get("partialSuccess") or {}
        rejected = int(answer.get("rejectedLogRecords", 0))
    except (ValueError, TypeError, AttributeError):
        return [None] * count  # a 2xx is a success, whatever its body
    if not rejected:
        return [None] * count
    if count > 1:
        return None
    return [Rejected(f"the collector refused it: {str(answer.get('errorMessage'))[:300]}")]


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


OTLP_LOGS: Final = BuiltinTemplate(
    {
        "resource": {
            "attributes": [
                _attribute("service.name", "mozu"),
                _attribute("host.name", "${hostname|text}"),
            ]
        },
        "scopeLogs": [
            {
                "scope": {"name": "mozu"},
                "logRecords": [
                    {
                        "timeUnixNano": "${time_ns|text}",
                        "observedTimeUnixNano": "${time_ns|text}",
                        "severityNumber": "${otel_severity}",
                        "severityText": "${priority}",
                        "body": {"stringValue": "${output}"},
                        "attributes": "${otel_attributes}",
                    }
                ],
            }
        ],
    },
    ("array",),
    envelope=(b'{"resourceLogs":', b"}"),
    outcomes=partial_success,
)
