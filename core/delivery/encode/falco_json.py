"""Falco's JSON object, one line, keys sorted at every level.

Additions: `uuid` (read by falcosidekick), `rule_id`, `next`, `notes`, `incomplete` and `mozu` (the stamp).
"""

import re
from typing import Final

import msgspec
import orjson
from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.delivery.encode.clock import iso
from mozu.core.delivery.encode.document import one_line
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.encode.rule_notes import said
from mozu.core.delivery.encode.schema import schema
from mozu.core.delivery.encode.values import json_value
from mozu.core.model.alert import NO_NOTES, Alert, Stamp
from mozu.core.model.event import printable
from mozu.core.model.value_types import Json, JsonObject


class JsonSettings(Settings):
    """Options of the format `json`; Falco's are `json_include_*_property` and the like."""

    output: bool = Field(True, description="The property `output`: the text with time and priority before it.")
    message: bool = Field(False, description="The property `message`: the text alone.")
    output_fields: bool = Field(
        True, description="The property `output_fields`, without which falcosidekick refuses an alert."
    )
    tags: bool = Field(True, description="The property `tags`.")
    notes: bool = Field(
        True,
        description="The property `notes`: what the rule says besides (description, why, false_positives, references, "
        "maturity, level, triage), as far as it says it.",
    )
    iso_time: bool = Field(False, description="Times in `output` as ISO 8601 in UTC, not as local time of day.")
    base64_bytes: bool = Field(False, description="Bytes as base64, not as printable characters and dots.")


_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


def _without_controls(alert: Alert) -> Alert:
    """Return the alert with controls in values replaced by U+FFFD, as Falco does; controls of the rule's own text stay,
    escaped."""
    if not any(map(_has_controls, alert.values.values())):
        return alert
    return msgspec.structs.replace(alert, values={key: _shown(value) for key, value in alert.values.items()})


def _has_controls(value: Json) -> bool:
    if isinstance(value, str):
        return not value.isprintable() and _CONTROL.search(value) is not None
    return isinstance(value, tuple) and any(map(_has_controls, value))


def _shown(value: Json) -> Json:
    if isinstance(value, tuple):
        return tuple(map(_shown, value))
    return _CONTROL.sub("\ufffd", value) if isinstance(value, str) else value


class FalcoJson:
    """Encoder of Falco's JSON object; the switches are those of `JsonSettings`."""

    def __init__(
        self,
        *,
        output: bool = True,
        message: bool = False,
        output_fields: bool = True,
        tags: bool = True,
        notes: bool = True,
        iso_time: bool = False,
        base64_bytes: bool = False,
    ) -> None:
        self._text = FalcoText(iso_time=iso_time)
        self._output, self._message, self._fields, self._tags = output, message, output_fields, tags
        self._notes = notes
        self._time_key = "evt.time.iso8601" if iso_time else "evt.time"
        self._base64 = base64_bytes

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the object as one line; the stamp is under `mozu`."""
        return one_line(self.document(alert, stamp), orjson.OPT_SORT_KEYS)

    def document(self, alert: Alert, stamp: Stamp | None = None) -> JsonObject:
        """Return the object as Python values."""
        alert = _without_controls(alert)
        internal = alert.source == "internal"
        document: JsonObject = {
            "hostname": printable(alert.hostname),
            "priority": alert.priority.label,
            "rule": printable(alert.rule),
            "source": alert.source,
            "time": iso(alert.time, "Z"),
            "uuid": alert.id,
        }
        if alert.rule_id:
            document["rule_id"] = printable(alert.rule_id)
        if alert.next:
            document["next"] = printable(alert.next)
        if self._notes and alert.notes is not NO_NOTES and (notes := said(alert.notes)):
            document["notes"] = notes
        if self._output:
            document["output"] = printable(alert.message() if internal else self._text.line(alert))
        if self._message:
            document["message"] = printable(alert.message())
        if self._fields:
            document["output_fields"] = self._output_fields(alert)
        if self._tags and not internal:
            document["tags"] = [printable(tag) for tag in alert.tags]
        if alert.correlation_uid:
            document["correlation_uid"] = alert.correlation_uid
        if alert.incomplete:
            document["incomplete"] = [printable(name) for name in alert.incomplete]
        if stamp is not None:
            document["mozu"] = {
                "agent": printable(stamp.agent),
                "epoch": stamp.epoch,
                "sequence": stamp.sequence,
                "sink": stamp.sink,
            }
        return document

    def _output_fields(self, alert: Alert) -> JsonObject:
        fields: JsonObject = {}
        refs = alert.template.refs()
        has_fields = any(ref.is_field for ref in refs)
        if alert.source != "internal" or not has_fields:  # falcosidekick refuses an empty mapping
            fields[self._time_key] = alert.time
        for ref in refs:
            if ref.is_time:
                fields[ref.key] = alert.time
            elif ref.is_field:
                fields[ref.key] = json_value(alert.values.get(ref.key), ref, base64_bytes=self._base64)
        return fields


FORMAT: Final = FormatDeclaration(
    name="json",
    summary="Falco's JSON object.",
    content_type="application/json",
    build=lambda options: FalcoJson(**options.model_dump()),
    settings=JsonSettings,
    schema=lambda options: schema("json") if options.output and options.output_fields else "",
)
