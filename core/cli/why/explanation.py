"""Explanations of `mozu why` about a rule and an event, as data."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from mozu.core.delivery.encode.values import json_value
from mozu.core.language.conditions import OperandValue
from mozu.core.language.rules import ExplainedClause, Rule
from mozu.core.model.alert import Alert, Ref
from mozu.core.model.event import printable
from mozu.core.model.value_types import FieldValue, Json, JsonObject


class Unasked(msgspec.Struct, frozen=True):
    """A reason why the rule was not evaluated for the event, or its match raised no alert."""

    kind: str
    """source, event_type, idle, kernel_filter, shadow, earlier_rule."""
    text: str
    """A sentence without its end."""
    tests: str = ""
    """Tests of the rule that a kernel filter makes and finds false."""


class Explanation(msgspec.Struct, frozen=True, eq=False):
    """A rule and an event."""

    rule: Rule
    number: int
    """Number of the event in its recording or trace."""
    time: int
    """ns since the epoch."""
    type: str
    source: str
    about: Sequence[OperandValue]
    """A few fields that identify the event, as far as it has them."""
    output: Mapping[str, FieldValue]
    """The values of the alert, for a rule that matches."""
    clauses: Sequence[ExplainedClause]
    """Clauses; empty if the rule is of another source, whose fields the event does not have."""
    unasked: Sequence[Unasked]

    @property
    def matches(self) -> bool:
        """True if the condition is true."""
        return bool(self.clauses) and self.clauses[0].truth

    @property
    def message(self) -> str:
        """Message of the alert; empty for a rule that does not match."""
        return self.rule.output.template.render(self.output) if self.matches else ""

    def redacted(self, redact: Callable[[Alert], None]) -> "Explanation":
        """Return the explanation with secrets hidden as in an alert with all of these values."""
        shown = [*self.about, *(value for one in self.clauses for value in one.values)]
        alert = Alert(
            rule=self.rule.name, priority=self.rule.priority, source=self.source, time=self.time,
            template=self.rule.output.template, values={**self.output, **{value.name: value.value for value in shown}},
        )  # fmt: skip
        redact(alert)

        def without(values: Sequence[OperandValue]) -> tuple[OperandValue, ...]:
            return tuple(msgspec.structs.replace(value, value=alert.values[value.name]) for value in values)

        return msgspec.structs.replace(
            self, about=without(self.about), output={key: alert.values[key] for key in self.output},
            clauses=[msgspec.structs.replace(one, values=without(one.values)) for one in self.clauses],
        )  # fmt: skip

    def as_dict(self) -> JsonObject:
        """Return the explanation as data."""
        return {
            "rule": self.rule.name,
            "matches": self.matches,
            "unasked": [{"kind": one.kind, "text": one.text} for one in self.unasked],
            "event": {
                "num": self.number,
                "time": self.time,
                "type": self.type,
                "source": self.source,
                "fields": {value.name: _json(value) for value in self.about},
            },
            "output": printable(self.message),
            "clauses": [_clause(number, one) for number, one in enumerate(self.clauses)],
        }


def _clause(number: int, explained: ExplainedClause) -> JsonObject:
    clause = explained.clause
    file, line, column = clause.place
    return {
        "number": number,
        "depth": explained.depth,
        "kind": clause.kind,
        "text": printable(clause.text),
        "truth": explained.truth,
        "decides": explained.decides,
        "values": {value.name: _json(value) for value in explained.values},
        "holding": [printable(text) for text in explained.holding],
        "macro": clause.macro,
        "exception": clause.exception,
        "lists": list(clause.lists),
        "file": file,
        "line": line,
        "column": column,
    }


def _json(value: OperandValue) -> Json:
    return json_value(value.value, ref_of(value))


def ref_of(value: OperandValue) -> Ref:
    """Return the reference by which the value is printed."""
    form = "" if value.type.field is None else value.type.field.field.format
    return Ref(value.name, value.type.type.value, form, is_list=value.type.is_list)
