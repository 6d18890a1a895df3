"""The values that a body template may reference, read from a record."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from mozu.core.api import Record, Severity
from mozu.core.delivery.encode import FalcoJson
from mozu.core.delivery.encode.clock import iso

Reader = Callable[["RecordView"], Any]

FIELD: Final = "output_fields."
"""Before the name of a field of the output."""

_falco = FalcoJson(message=True)


class RecordView:
    """One record; Falco's object is made once, when something in it is asked for."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Falco's object. Its `output_fields` are never empty: falcosidekick refuses an alert without."""
        if self._document is None:
            self._document = _falco.document(self.record.alert)
            self._document["output_fields"] = self._document["output_fields"] or {"evt.time": self.record.alert.time}
        return self._document


def _body(view: RecordView) -> Any:
    """JSON as it is, anything else as text."""
    body = view.record.body
    return orjson.loads(body) if body.startswith(b"{") else body.decode("utf-8", "replace")


def _level(view: RecordView) -> str:
    """The three words that Alertmanager's users know."""
    priority = view.record.alert.priority
    if priority <= Severity.CRITICAL:
        return "critical"
    return "warning" if priority <= Severity.WARNING else "information"


def _of_document(name: str) -> Reader:
    return lambda view: view.document.get(name)


NAMES: Final[Mapping[str, Reader]] = {
    **{
        name: _of_document(name)
        for name in ("uuid", "rule", "priority", "source", "hostname", "time", "output", "message", "output_fields")
    },
    "tags": lambda view: list(view.document.get("tags", ())),
    "severity": lambda view: int(view.record.alert.priority),
    "level": _level,
    "time_s": lambda view: round(view.record.alert.time / 1e9, 3),
    "time_ms": lambda view: view.record.alert.time // 1_000_000,
    "time_ns": lambda view: view.record.alert.time,
    "date": lambda view: iso(view.record.alert.time)[:10],
    "record": _body,
    "sink": lambda view: view.record.stamp.sink,
    "agent": lambda view: view.record.stamp.agent,
    "epoch": lambda view: view.record.stamp.epoch,
    "sequence": lambda view: view.record.stamp.sequence,
}
"""Name → reader; and `output_fields.FIELD` for each field."""


def reader(name: str) -> Reader | None:
    """The reader of a name; None: there is no such name. A field that an alert does not have reads as None."""
    if name.startswith(FIELD) and name != FIELD:
        field = name.removeprefix(FIELD)
        return lambda view: view.document["output_fields"].get(field)
    return NAMES.get(name)
