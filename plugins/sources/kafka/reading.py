"""What a record is: an event, an alert, or poison."""

from typing import Any

import orjson

from mozu.core.api import Alert, DataEvent, Event
from mozu.plugins.sources.falco_http.alerts import BadInput, from_object
from mozu.plugins.sources.kafka.identity import OffsetNumbers


class Poison(ValueError):
    """Why a record can be neither; one sentence."""


class RecordReader:
    """`read(record)` for aiokafka's records."""

    def __init__(self, identity: OffsetNumbers, *, event_source: str, alerts: bool) -> None:
        self._identity, self._source, self._alerts = identity, event_source, alerts

    def read(self, record: Any) -> Event | Alert | None:
        """None for a record without content (a tombstone). Raises Poison."""
        if record.value is None:
            return None
        try:
            document = orjson.loads(record.value)
        except orjson.JSONDecodeError as error:
            raise Poison(f"no JSON: {error}") from None
        alert = _alert(document) if self._alerts else None
        if alert is not None:
            return alert
        return DataEvent(
            source=self._source,
            type="pluginevent",
            time=max(0, record.timestamp) * 1_000_000,
            num=self._identity.number(record.topic, record.partition, record.offset),
            data=document,
        )


def _alert(document: Any) -> Alert | None:
    if not isinstance(document, dict):
        return None
    if "specversion" in document and isinstance(document.get("data"), dict):
        document = document["data"]
    if not {"rule", "priority", "time"} <= document.keys() or not {"output", "output_fields"} & document.keys():
        return None
    try:
        return from_object(document)
    except BadInput:
        return None
