"""Sanitized copy of an alert that an encoder, the redactor or the spool refused: every value as bounded, valid text.

No alert is lost, or stops another, because of its content: it arrives in this form, and its output field
`mozu.replaced` says why.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from mozu.core.model.alert import Alert, Ref, RuleNotes, Severity, Template
from mozu.core.model.event import bounded_text

REPLACED: Final = "mozu.replaced"
"""Output field with the error for which an alert's values were replaced."""
_MAX_STORED: Final = (1 << 63) - 1
_MAX_NAME: Final = 1_024
"""Most characters in the name of a rule, a host or a source, in an id, and in a tag."""
_TEXT: Final = frozenset({str})
_MAX_ITEMS: Final = 64
"""Most tags, and most parts of the output."""


def envelope_fault(alert: Alert) -> TypeError | None:
    """Return the defect of the parts of an alert that sinks read without an encoder: wrong types, and texts longer than
    a name. None if there is none."""
    if type(alert.next) is not str:
        return TypeError("what to do next is no text")
    if type(alert.notes) is not RuleNotes:
        return TypeError("what the rule says besides is no RuleNotes")
    if type(alert.tags) is not tuple or type(alert.incomplete) is not tuple:
        return TypeError("its tags are no texts")
    if not _are_names(
        (
            *(alert.rule, alert.rule_id, alert.source, alert.hostname, alert.event_type, alert.id),
            *(*alert.tags, *alert.incomplete),
        )
    ):
        return TypeError("a name or a tag is no text, or too long")
    if not (type(alert.priority) is Severity and type(alert.template) is Template and alert.template.is_sound):
        return TypeError("it has no priority, or no template")
    if not (type(alert.time) is int and 0 <= alert.time <= _MAX_STORED and type(alert.event_num) is int):
        return TypeError("its time or its event's number is none")
    if type(alert.shadow) is not bool:
        return TypeError("its mode is no bool")
    if not (type(alert.values) is dict and type(alert.enrichment) is dict):
        return TypeError("its values are no mapping")
    return None


def notes_fault(alert: Alert) -> TypeError | None:
    """Return the defect of the notes; None if there is none. Alerts of a rule share their notes, which are checked
    once."""
    notes = alert.notes
    lists = (notes.false_positives, notes.references, notes.triage)
    texts = (notes.description, notes.why, notes.maturity, notes.level, *chain.from_iterable(lists))
    return None if _TEXT.issuperset(map(type, texts)) else TypeError("what the rule says besides is no text")


def _are_names(texts: tuple[str, ...]) -> bool:
    return _TEXT.issuperset(map(type, texts)) and max(map(len, texts)) <= _MAX_NAME


def plain_alert(alert: Alert, why: BaseException, *, values: bool = True) -> Alert:
    """Return a copy that every encoder and the spool accept; never raises. Without `values` (which could not be
    redacted) only the literal texts of the template are kept."""
    template, kept = _output(alert, values=values)
    error = f"{type(why).__name__}: {bounded_text(why)}" if values else type(why).__name__
    return Alert(
        rule=bounded_text(alert.rule) or "unnamed rule",
        priority=alert.priority if isinstance(alert.priority, Severity) else Severity.CRITICAL,
        source=bounded_text(alert.source) or "unknown",
        time=min(max(alert.time, 0), _MAX_STORED) if type(alert.time) is int else 0,
        template=Template(template.parts, (*template.extra, Ref(REPLACED, "string"))),
        values={**kept, REPLACED: error},
        tags=tuple(sorted(map(bounded_text, _items(alert.tags)))),
        event_type=bounded_text(alert.event_type),
        event_num=alert.event_num if type(alert.event_num) is int and 0 <= alert.event_num <= _MAX_STORED else 0,
        hostname=bounded_text(alert.hostname),
        rule_id=bounded_text(alert.rule_id),
        next=bounded_text(alert.next),
        id=bounded_text(alert.id),
        incomplete=tuple(map(bounded_text, _items(alert.incomplete))),
        shadow=alert.shadow is True,
    )


def _output(alert: Alert, *, values: bool) -> tuple[Template, dict[str, str | None]]:
    """Return the template with references to text only, and the values that it needs."""
    template = alert.template
    if not isinstance(template, Template):
        return Template(("(this alert had no output)",)), {}
    parts, extra = _items(template.parts), [ref for ref in _items(template.extra) if isinstance(ref, Ref)]
    given: Mapping[Any, Any] = alert.values if values and isinstance(alert.values, dict) else {}
    found = {
        bounded_text(ref.key): None if (value := given.get(ref.key)) is None else bounded_text(value)
        for ref in (*parts, *extra)
        if isinstance(ref, Ref) and isinstance(ref.key, str)
    }
    whole = Template(
        tuple(_ref(part) if isinstance(part, Ref) else bounded_text(part) for part in parts), tuple(map(_ref, extra))
    )
    return whole, {ref.key: found.get(ref.key) for ref in whole.refs()}


def _ref(ref: Ref) -> Ref:
    return Ref(bounded_text(ref.key), "string", is_field=ref.is_field is True, label=bounded_text(ref.label))


def _items(value: object) -> Sequence[Any]:
    return value[:_MAX_ITEMS] if isinstance(value, tuple | list) else ()
