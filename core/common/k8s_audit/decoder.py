"""The decoder of audit events: bytes → events with time and number, and counters of what was refused."""

import zlib
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec
import orjson

from mozu.core.api import DataEvent, Metrics
from mozu.core.common.falco_time import parse_rfc3339
from mozu.core.common.k8s_audit.tolerant_json import loads, prune
from mozu.core.common.k8s_audit.unwrapping import NO_JSON, Unwrapper
from mozu.core.model.value_types import Json, JsonObject

EVENT_SOURCE: Final = "k8s_audit"
EVENT_TYPE: Final = "pluginevent"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_DAMAGED: Final = "damaged gzip"
_TOO_LARGE: Final = "too large"
_TRUNCATED: Final = "audit.k8s.io/truncated"
"""Annotation of an event from which the API server has removed objects because it was too large."""


class NoAuditEvents(ValueError):
    """A document without a single audit event; the message is one sentence. `reason` is the counter's."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"there is no audit event of Kubernetes in it: {reason}")
        self.reason = reason


class IdentifiedEvent(msgspec.Struct, frozen=True):
    """An audit event with its identity."""

    event: DataEvent
    identity: bytes
    """Hash of auditID, stage and everything else in the event: clients choose auditIDs (header `Audit-ID`), so that
    events with equal ones may differ."""


class AuditEventDecoder:
    """Decoder with the counters of what it refuses. `max_bytes`: the most bytes of a document, unpacked."""

    def __init__(self, metrics: Metrics, max_bytes: int) -> None:
        self._metrics, self._max_bytes = metrics, max_bytes
        self._truncated = metrics.counter("k8s_audit_truncated_total")

    def decode(self, document: bytes, now: int) -> Sequence[IdentifiedEvent]:
        """Return the events of a document, which may be compressed (gzip, as CloudWatch sends it); none of a mere
        control message. `now`: ns since the epoch. Raises NoAuditEvents if it has none, and something was refused."""
        unwrapper = Unwrapper()
        found: list[IdentifiedEvent] = []
        try:
            found += [self._identified(event, now) for event in unwrapper.events(self._loaded(document))]
        except NoAuditEvents as error:
            unwrapper.refused[error.reason] += 1
        for reason, count in unwrapper.refused.items():
            self.refuse(reason, count)
        if not found and unwrapper.refused:
            raise NoAuditEvents(next(iter(unwrapper.refused)))
        return found

    def refuse(self, reason: str, count: int = 1) -> None:
        """Count what was refused."""
        self._metrics.counter("k8s_audit_refused_total", reason=reason).value += count

    def _loaded(self, document: bytes) -> Json:
        """Return the document, parsed. Raises NoAuditEvents."""
        if document[:2] == _GZIP_MAGIC:
            document = self._unpacked(document)
        try:
            return loads(document)
        except orjson.JSONDecodeError:
            raise NoAuditEvents(NO_JSON) from None

    def _unpacked(self, document: bytes) -> bytes:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked = member.decompress(document, self._max_bytes + 1)
        except zlib.error:
            raise NoAuditEvents(_DAMAGED) from None
        if len(unpacked) > self._max_bytes:
            raise NoAuditEvents(_TOO_LARGE)
        if not member.eof:
            raise NoAuditEvents(_DAMAGED)
        return unpacked

    def _identified(self, event: JsonObject, now: int) -> IdentifiedEvent:
        """Return the event with time, number and identity; what is nested too deeply in it is replaced."""
        try:
            content = orjson.dumps(event)
        except TypeError:  # deeper than orjson writes
            prune(event)
            content = orjson.dumps(event)
        identity = blake2b(content, digest_size=16).digest()
        annotations = event.get("annotations")
        if isinstance(annotations, dict) and annotations.get(_TRUNCATED) == "true":
            self._truncated.value += 1
        number = int.from_bytes(identity[:8], "big") >> 1 or 1
        return IdentifiedEvent(DataEvent(EVENT_SOURCE, EVENT_TYPE, _time(event, now), number, event), identity)


def _time(event: JsonObject, now: int) -> int:
    """Return the time of the stage, else of the request, else `now`."""
    for key in ("stageTimestamp", "requestReceivedTimestamp"):
        if isinstance(text := event.get(key), str) and (time := parse_rfc3339(text)) is not None:
            return time
    return now
