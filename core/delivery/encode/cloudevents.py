"""CloudEvents 1.0, structured mode: an envelope in JSON around Falco's JSON object.

Type and the extensions `priority`, `rule` and `eventsource` are those of falcosidekick, so that its consumers keep
working.
"""

import re
from typing import Final
from urllib.parse import quote

import orjson
from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.delivery.encode.clock import iso
from mozu.core.delivery.encode.document import filled, one_line
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.product import NAME, rule_id
from mozu.core.delivery.encode.schema import always
from mozu.core.model.alert import Alert, Stamp
from mozu.core.model.event import printable
from mozu.core.model.value_types import JsonObject

_REFUSED: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
"""Controls and noncharacters, which attributes may not contain (those beyond the first plane never occur in names)."""
_DIGITS: Final = 20


class CloudEventsSettings(Settings):
    """Options of the format `cloudevents`."""

    type: str = Field("falco.rule.output.v1", min_length=1, description="The attribute `type` of every event.")


class CloudEvents:
    """Encoder of one event; `data` is the alert in the format `json`."""

    def __init__(self, settings: CloudEventsSettings | None = None) -> None:
        self._type = _attribute((settings or CloudEventsSettings()).type)
        self._json = FalcoJson()

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the event as one line. The stamp is `sequence` (with leading zeros, so that it sorts as text),
        `mozuagent`, `mozusink` and `mozuepoch`."""
        levels = alert.priority.levels
        envelope: JsonObject = filled(
            specversion="1.0",
            id=alert.id or f"{alert.time}",
            source=f"//{_part(alert.hostname) or 'unknown'}/{NAME}/{_part(alert.source)}",
            type=self._type,
            time=iso(alert.time, "Z"),
            subject=_attribute(rule_id(alert)),
            datacontenttype="application/json",
            priority=alert.priority.label,
            rule=_attribute(alert.rule) or None,
            eventsource=_attribute(alert.source) or None,
            severitytext=levels.otel_name,
            severitynumber=levels.otel,
            partitionkey=_attribute(alert.hostname) or None,
        )
        if stamp is not None:
            envelope["sequence"] = f"{stamp.sequence:0{_DIGITS}d}"
            envelope["mozuagent"] = _attribute(stamp.agent)
            envelope["mozusink"] = stamp.sink
            envelope["mozuepoch"] = stamp.epoch
        return one_line({**envelope, "data": self._json.document(alert, stamp)}, orjson.OPT_SORT_KEYS)


def _part(text: str) -> str:
    return quote(printable(text), safe="")


def _attribute(text: str) -> str:
    return _REFUSED.sub("\N{REPLACEMENT CHARACTER}", printable(text))


FORMAT: Final = FormatDeclaration(
    name="cloudevents",
    summary="A CloudEvents 1.0 envelope in JSON around Falco's JSON object.",
    content_type="application/cloudevents+json",
    build=CloudEvents,
    settings=CloudEventsSettings,
    schema=always("cloudevents"),
)
