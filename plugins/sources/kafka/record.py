"""Decoding of a Kafka record to an event or an alert; a record that is no JSON is a dead letter."""

from typing import Any

import orjson

from mozu.core.api import Alert, DataEvent, Event
from mozu.core.common.falco_alerts import InvalidAlert, from_object
from mozu.plugins.sources.kafka.record_number import RecordNumbers


class InvalidRecord(ValueError):
    """A record is neither event nor alert; the message is one sentence."""


class KafkaRecordDecoder:
    """Decoder of aiokafka's records."""

    def __init__(self, numbers: RecordNumbers, *, event_source: str, alerts: bool) -> None:
        self._numbers, self._source, self._alerts = numbers, event_source, alerts

    def decode(self, record: Any) -> Event | Alert | None:
        """Return the event or alert; None for a record without content (a tombstone). Raises InvalidRecord."""
        if record.value is None:
            return None
        try:
            document = orjson.loads(record.value)
        except orjson.JSONDecodeError as error:
            raise InvalidRecord(f"no JSON: {error}") from None
        alert = _alert(document) if self._alerts else None
        if alert is not None:
            return alert
        return DataEvent(
            source=self._source,
            type="pluginevent",
            time=max(0, record.timestamp) * 1_000_000,
            num=self._numbers.number(record.topic, record.partition, record.offset),
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
    except InvalidAlert:
        return None
