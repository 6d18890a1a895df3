"""Decoding of a Kafka record to events or an alert; a record that cannot be read is a dead letter."""

from collections.abc import Sequence
from typing import Any

import orjson

from mozu.core.api import Alert, DataEvent, Event
from mozu.core.common.falco_alerts import InvalidAlert, from_object
from mozu.core.common.k8s_audit.decoder import AuditEventDecoder, NoAuditEvents
from mozu.core.common.k8s_audit.unwrapping import OTHER_LOG
from mozu.plugins.sources.kafka.record_number import RecordNumbers


class InvalidRecord(ValueError):
    """A record is neither event nor alert; the message is one sentence."""


class KafkaRecordDecoder:
    """Decoder of aiokafka's records. `audit`: decoder of audit events of Kubernetes, if records hold them."""

    def __init__(
        self, numbers: RecordNumbers, *, event_source: str, alerts: bool, audit: AuditEventDecoder | None = None
    ) -> None:
        self._numbers, self._source, self._alerts, self._audit = numbers, event_source, alerts, audit

    def decode(self, record: Any) -> Sequence[Event | Alert]:
        """Return the events or the alert; none for a record without content (a tombstone). Raises InvalidRecord."""
        if record.value is None:
            return []
        now = max(0, record.timestamp) * 1_000_000
        if self._audit is not None:
            return self._audit_events(self._audit, record.value, now)
        document = _loaded(record.value)
        alert = _alert(document) if self._alerts else None
        if alert is not None:
            return [alert]
        number = self._numbers.number(record.topic, record.partition, record.offset)
        return [DataEvent(source=self._source, type="pluginevent", time=now, num=number, data=document)]

    def _audit_events(self, decoder: AuditEventDecoder, value: bytes, now: int) -> Sequence[Event | Alert]:
        alert = _alert(_loaded(value)) if self._alerts and value[:1] == b"{" else None
        if alert is not None:
            return [alert]
        try:
            return [one.event for one in decoder.decode(value, now)]
        except NoAuditEvents as error:
            if error.reason == OTHER_LOG:  # the scheduler's, say, which shares the stream of a cloud's control plane
                return []
            raise InvalidRecord(str(error)) from None


def _loaded(value: bytes) -> Any:
    """Return the document. Raises InvalidRecord."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"no JSON: {error}") from None


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
