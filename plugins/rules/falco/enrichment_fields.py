"""Enrichment fields: values that encoders need besides the rule's output; read only when an alert is raised."""

from collections.abc import Iterable
from typing import Any

from mozu.core.api import Event, FieldRegistry
from mozu.core.delivery.encode.values import json_value
from mozu.core.language.conditions import CompiledOutput, ConditionError, compile_template


class EnrichmentFields:
    """Reader of the requested fields, as far as the event's source has them."""

    def __init__(self, requested: Iterable[str], fields: FieldRegistry) -> None:
        self._requested, self._fields = tuple(requested), fields
        self._outputs: dict[str, CompiledOutput | None] = {}

    def of(self, event: Event) -> dict[str, Any]:
        """Return JSON values by field, without missing ones."""
        output = self._output(event.source)
        if output is None:
            return {}
        values = output.values(event)
        return {
            ref.key: json_value(value, ref)
            for ref in output.template.extra
            if (value := values.get(ref.key)) is not None
        }

    def needs(self, source: str, event_type: str) -> frozenset[str]:
        """Return the state dependencies of the fields that this event type can have (`*`: any)."""
        output = self._output(source)
        return frozenset() if output is None else output.needs(None if event_type == "*" else event_type)

    def _output(self, source: str) -> CompiledOutput | None:
        if source not in self._outputs:
            there = [name for name in self._requested if self._exists(name, source)]
            extra = [(name, "") for name in there]
            self._outputs[source] = compile_template("", self._fields, source, extra) if there else None
        return self._outputs[source]

    def _exists(self, name: str, source: str) -> bool:
        try:
            compile_template("", self._fields, source, [(name, "")])
        except ConditionError:
            return False
        return True
