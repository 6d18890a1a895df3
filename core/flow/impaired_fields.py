"""Impaired fields: fields of plugins whose readers returned wrong values, which count as absent."""

import logging

import msgspec

from mozu.core.metrics import Metrics
from mozu.core.model.fields import Field

_log = logging.getLogger("mozu.engine")


class FieldFault(msgspec.Struct, frozen=True):
    """The first wrong value of a field."""

    field: str
    plugin: str
    """The plugin's distribution and version."""
    text: str
    """The fault in one sentence."""


class ImpairedFields:
    """The impaired fields of a run: each is reported once, and its wrong values are counted."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = Metrics() if metrics is None else metrics
        self._known: set[str] = set()
        self._new: list[FieldFault] = []

    def on_wrong(self, plugin: object, field: Field, fault: str) -> None:
        """Count a wrong value that a reader returned, and report the field if it is new. Called while an event is
        judged."""
        self._metrics.counter("field_values_rejected_total", field=field.name).value += 1
        if field.name in self._known:
            return
        self._known.add(field.name)
        text = f"field {field.name} of {plugin} gave a wrong value, which counts as absent: {fault}"
        _log.error("%s", text)
        self._new.append(FieldFault(field.name, str(plugin), text))

    def take(self) -> list[FieldFault]:
        """Return the faults found since the last call."""
        found, self._new = self._new, []
        return found
