"""Falco's JSON object, one line, keys sorted at every level.

`uuid` (where falcosidekick looks for it) and `mozu` (the stamp) are additions.
"""

from typing import Any

import orjson

from mozu.core.alert import Alert, Stamp
from mozu.core.encode.clock import iso
from mozu.core.encode.escape import harmless
from mozu.core.encode.falco_text import FalcoText
from mozu.core.encode.values import json_value
from mozu.core.event import printable


class FalcoJson:
    """The switches are Falco's `json_include_*_property`, `time_format_iso_8601` and `buffer_format_base64`."""

    def __init__(
        self,
        *,
        output: bool = True,
        message: bool = False,
        output_fields: bool = True,
        tags: bool = True,
        iso_time: bool = False,
        base64_bytes: bool = False,
    ) -> None:
        self._text = FalcoText(iso_time=iso_time)
        self._output, self._message, self._fields, self._tags = output, message, output_fields, tags
        self._time_key = "evt.time.iso8601" if iso_time else "evt.time"
        self._base64 = base64_bytes

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """The object as one line; the stamp is under `mozu`."""
        document = self.document(alert)
        if stamp is not None:
            document["mozu"] = {
                "agent": printable(stamp.agent),
                "epoch": stamp.epoch,
                "sequence": stamp.sequence,
                "sink": stamp.sink,
            }
        body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        return body if body.isascii() and b"\x7f" not in body else harmless(body.decode()).encode()

    def document(self, alert: Alert) -> dict[str, Any]:
        """The object as Python values."""
        internal = alert.source == "internal"
        document: dict[str, Any] = {
            "hostname": printable(alert.hostname),
            "priority": alert.priority.label,
            "rule": printable(alert.rule),
            "source": alert.source,
            "time": iso(alert.time, "Z"),
            "uuid": alert.id,
        }
        if self._output:
            document["output"] = printable(alert.message() if internal else self._text.line(alert))
        if self._message:
            document["message"] = printable(alert.message())
        if self._fields:
            document["output_fields"] = self._output_fields(alert)
        if self._tags and not internal:
            document["tags"] = [printable(tag) for tag in alert.tags]
        return document

    def _output_fields(self, alert: Alert) -> dict[str, Any]:
        fields: dict[str, Any] = {} if alert.source == "internal" else {self._time_key: alert.time}
        for ref in alert.template.refs():
            if ref.is_time:
                fields[ref.key] = alert.time
            elif ref.is_field:
                fields[ref.key] = json_value(alert.values.get(ref.key), ref, base64_bytes=self._base64)
        return fields
