"""The values that a body template may reference, read from a record."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from mozu.core.api import Record
from mozu.core.delivery.encode.clock import iso
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.model.alert import attack
from mozu.plugins.sinks.webhook.templates.builtin_template import CRITICAL_WARNING_INFORMATION, Levels

Reader = Callable[["RecordView"], Any]

FIELD: Final = "output_fields."
"""Prefix of references to fields of the output."""
KNOWN: Final = "known."
"""Prefix of references to fields of the output or of the sink's `format`."""
SECRET: Final = "secret."
"""Prefix of references to `body_secrets`."""
_COLORS: Final = (0x8B0000, 0x8B0000, 0xD32F2F, 0xE64A19, 0xFFA000, 0x1976D2, 0x388E3C, 0x757575)
"""Colours by syslog's severity."""
_OTEL: Final = {0: 21, 1: 19, 2: 18, 3: 17, 4: 13, 5: 10, 6: 9, 7: 5}
"""OpenTelemetry's number by syslog's severity, from the appendix of its log data model."""

_falco = FalcoJson(message=True)


class RecordView:
    """View of one record; Falco's object is made once, on first use."""

    def __init__(self, record: Record, levels: Levels = CRITICAL_WARNING_INFORMATION) -> None:
        self.record, self.levels = record, levels
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Falco's object. Its `output_fields` are never empty, because falcosidekick refuses an alert without them."""
        if self._document is None:
            self._document = _falco.document(self.record.alert)
            self._document["output_fields"] = self._document["output_fields"] or {"evt.time": self.record.alert.time}
        return self._document


    def known(self, name: str) -> Any:
        """Return the value of a field; None if it was not read."""
        found = self.record.alert.enrichment.get(name)
        return self.document["output_fields"].get(name) if found is None else found


def _techniques(view: RecordView) -> list[str]:
    mapping = attack(view.record.alert.tags)
    return [] if mapping is None else [item.sub_id or item.id for item in mapping.techniques]


def _body(view: RecordView) -> Any:
    """Return JSON as its value, anything else as text."""
    body = view.record.body
    return orjson.loads(body) if body.startswith(b"{") else body.decode("utf-8", "replace")


def _otel_attributes(view: RecordView) -> list[dict[str, Any]]:
    """Return attributes of OpenTelemetry: the identity of the alert, and the fields of its output."""
    names = ("uuid", "rule", "source", "tags")
    own = {f"mozu.{name}": view.document.get(name) for name in names}
    found = {**own, **view.document["output_fields"]}
    return [{"key": key, "value": _otel_value(value)} for key, value in found.items() if value is not None]


def _otel_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_otel_value(one) for one in value]}}
    return {"stringValue": value if isinstance(value, str) else orjson.dumps(value, default=str).decode()}


def _of_document(name: str) -> Reader:
    return lambda view: view.document.get(name)


NAMES: Final[Mapping[str, Reader]] = {
    **{
        name: _of_document(name)
        for name in ("uuid", "rule", "priority", "source", "hostname", "time", "output", "message", "output_fields")
    },
    "rule_id": lambda view: view.document.get("rule_id"),
    "next": lambda view: view.document.get("next"),
    "notes": lambda view: view.document.get("notes"),
    "tags": lambda view: list(view.document.get("tags", ())),
    "severity": lambda view: int(view.record.alert.priority),
    "level": lambda view: view.levels[view.record.alert.priority],
    "color": lambda view: _COLORS[view.record.alert.priority],
    "otel_severity": lambda view: _OTEL[view.record.alert.priority],
    "otel_attributes": _otel_attributes,
    "time_s": lambda view: round(view.record.alert.time / 1e9, 3),
    "time_ms": lambda view: view.record.alert.time // 1_000_000,
    "time_ns": lambda view: view.record.alert.time,
    "date": lambda view: iso(view.record.alert.time)[:10],
    "year": lambda view: iso(view.record.alert.time)[:4],
    "month": lambda view: iso(view.record.alert.time)[5:7],
    "day": lambda view: iso(view.record.alert.time)[8:10],
    "technique_ids": _techniques,
    "record": _body,
    "sink": lambda view: view.record.stamp.sink,
    "agent": lambda view: view.record.stamp.agent,
    "epoch": lambda view: view.record.stamp.epoch,
    "sequence": lambda view: view.record.stamp.sequence,
}
"""Readers by name; `output_fields.FIELD`, `known.FIELD` and `secret.NAME` exist besides."""


def reader(name: str, secrets: Mapping[str, str]) -> Reader | None:
    """Return the reader of a name; None if the name is unknown. A field that an alert lacks reads as None."""
    if name.startswith(SECRET):
        secret = secrets.get(name.removeprefix(SECRET))
        return None if secret is None else lambda view: secret
    if name.startswith(KNOWN) and name != KNOWN:
        known = name.removeprefix(KNOWN)
        return lambda view: view.known(known)
    if name.startswith(FIELD) and name != FIELD:
        field = name.removeprefix(FIELD)
        return lambda view: view.document["output_fields"].get(field)
    return NAMES.get(name)
