"""Single audit events out of what carries them: `EventList`, arrays, CloudWatch (EKS), Azure Monitor (AKS), Google
Cloud (GKE).

The forms are those that their makers document: kubernetes.io, "audit.k8s.io/v1"; AWS, "Log group-level subscription
filters" and "EKS control plane logs"; Microsoft, "Azure resource logs" and "Stream to Event Hubs"; Google, `LogEntry`
and `AuditLog`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import orjson

from mozu.core.common.k8s_audit.gke import audit_event_of, is_log_entry
from mozu.core.common.k8s_audit.tolerant_json import loads
from mozu.core.model.value_types import Json, JsonObject

_MAX_DEPTH: Final = 6
"""The most wrappers around an event; the documented forms have three (array, Event Hubs' records, resource log)."""

NO_JSON: Final = "no JSON"
NO_EVENT: Final = "no audit event"
OTHER_LOG: Final = "other log"
"""Reason for a record of another log of the same cluster, such as the scheduler's, that shares the stream."""
TOO_DEEP: Final = "nested too deeply"


class Unwrapper:
    """An unwrapper. `refused`: number of things that are no audit events, by reason."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()

    def events(self, document: Json, depth: int = 0) -> Iterator[JsonObject]:
        """Yield the audit events of a document, in order."""
        if depth > _MAX_DEPTH:
            self.refused[TOO_DEEP] += 1
        elif isinstance(document, list):
            for item in document:
                yield from self.events(item, depth + 1)
        elif not isinstance(document, dict):
            self.refused[NO_EVENT] += 1
        elif isinstance(document.get("auditID"), str) and document["auditID"]:
            yield document
        else:
            yield from self._wrapped(document, depth + 1)

    def _wrapped(self, document: JsonObject, depth: int) -> Iterator[JsonObject]:
        if isinstance(items := document.get("items"), list) and document.get("kind") == "EventList":
            yield from self.events(items, depth)
        elif isinstance(items := document.get("logEvents"), list) and "messageType" in document:
            yield from self._of_cloudwatch(document, items, depth)
        elif isinstance(items := document.get("records"), list):
            yield from self.events(items, depth)
        elif isinstance(document.get("category"), str) and isinstance(document.get("properties"), dict):
            yield from self._of_azure(document, depth)
        elif is_log_entry(document):
            event = audit_event_of(document)
            if event is None:
                self.refused[OTHER_LOG] += 1
            else:
                yield event
        else:
            self.refused[NO_EVENT] += 1

    def _of_cloudwatch(self, document: JsonObject, entries: list[Json], depth: int) -> Iterator[JsonObject]:
        """Yield the events of a record that a subscription filter sends; EKS has a stream for each log of the control
        plane, and those of audit logs are called `kube-apiserver-audit-…`."""
        if document["messageType"] == "CONTROL_MESSAGE":  # CloudWatch checks if the destination can be reached
            return
        if not str(document.get("logStream", "")).startswith("kube-apiserver-audit"):
            self.refused[OTHER_LOG] += len(entries)
            return
        for entry in entries:
            yield from self._of_text(entry.get("message") if isinstance(entry, dict) else None, depth)

    def _of_azure(self, document: JsonObject, depth: int) -> Iterator[JsonObject]:
        """Yield the event of a resource log of AKS (categories `kube-audit`, `kube-audit-admin`)."""
        if not str(document["category"]).startswith("kube-audit"):
            self.refused[OTHER_LOG] += 1
            return
        properties = document["properties"]
        yield from self._of_text(properties.get("log") if isinstance(properties, dict) else None, depth)

    def _of_text(self, text: Json, depth: int) -> Iterator[JsonObject]:
        """Yield the events of a text that is JSON; CloudWatch and Azure cut those off that are too long for them."""
        if not isinstance(text, str):
            self.refused[NO_EVENT] += 1
            return
        try:
            document = loads(text)
        except orjson.JSONDecodeError:
            self.refused[NO_JSON] += 1
            return
        yield from self.events(document, depth)
