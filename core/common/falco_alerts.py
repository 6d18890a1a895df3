"""A parser of Falco's alerts: objects of its JSON output (falcosidekick's too) and lines of its text output."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final
from uuid import UUID

import orjson

from mozu.core.api import Alert, RuleNotes, Severity
from mozu.core.common.falco_time import parse_rfc3339, parse_time_of_day
from mozu.core.model.alert import Ref, Template, alert_id
from mozu.core.model.value_types import FieldValue, Json

MESSAGE: Final = "falco_http.message"
"""Key of the message among an alert's values. It is no field, so `output_fields` stay as they came."""

TEXT_RULE: Final = "Falco alert as text"
"""Rule of an alert in Falco's text format, which does not contain the rule's name."""

_PRIORITIES: Final = {**{severity.label.lower(): severity for severity in Severity}, "info": Severity.INFORMATIONAL}
_PREFIXED: Final = re.compile(r"(?P<time>\S+): (?P<priority>[A-Za-z]+) (?P<message>.*)", re.DOTALL)
_HEAD: Final = Ref(MESSAGE, "string", is_field=False)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


class InvalidAlert(ValueError):
    """Raised for input that is not an alert; the text is one sentence with the reason."""


def from_object(document: Json) -> Alert:
    """Return the alert of an object in Falco's JSON format. Raises InvalidAlert."""
    if not isinstance(document, dict):
        raise InvalidAlert(f"an alert is a JSON object, not {_kind(document)}")
    rule = _text(document, "rule")
    priority = _PRIORITIES.get(_text(document, "priority").lower())
    if priority is None:
        raise InvalidAlert(f"the priority {document['priority'][:40]!r} is none of Falco's")
    when = parse_rfc3339(_text(document, "time"))
    if when is None:
        raise InvalidAlert(f"the time {document['time'][:40]!r} is no date and time as in RFC 3339")
    fields = _fields(document)
    template, values = _template_and_values(_message(document, rule, priority), fields)
    return Alert(
        rule=rule,
        priority=priority,
        source=_text(document, "source", "syscall"),
        time=when,
        template=template,
        values=values,
        tags=_tags(document),
        hostname=_text(document, "hostname", ""),
        rule_id=_text(document, "rule_id", ""),
        next=_text(document, "next", ""),
        notes=_notes(document),
        correlation_uid=_text(document, "correlation_uid", ""),
        event_type=str(fields.get("evt.type") or ""),
        id=_uuid(document) or alert_id(when, _payload_hash(document), rule),
    )


def from_line(line: str, now: float) -> Alert:
    """Return the alert of a line in Falco's text format. `now`: seconds since the epoch, which supplies the day. Raises
    InvalidAlert."""
    match = _PREFIXED.fullmatch(_unescaped(line))
    priority = None if match is None else _PRIORITIES.get(match["priority"].lower())
    when = None if match is None else parse_rfc3339(match["time"]) or parse_time_of_day(match["time"], now)
    if match is None or priority is None or when is None:
        raise InvalidAlert("text must be Falco's lines `TIME: PRIORITY MESSAGE`; better set `json_output: true` there")
    template, values = _template_and_values(match["message"], {})
    return Alert(
        rule=TEXT_RULE,
        priority=priority,
        source="syscall",
        time=when,
        template=template,
        values=values,
        id=alert_id(when, f"falco_http/{_digest(line.encode())}", TEXT_RULE),
    )


def _text(document: Mapping[str, Json], key: str, default: str | None = None) -> str:
    """Return a text; with a default, null and an empty text mean that. Raises InvalidAlert."""
    value = document.get(key)
    if default is not None and value in (None, ""):
        return default
    if not isinstance(value, str) or not value:
        raise InvalidAlert(f"an alert needs {key!r}, a text that is not empty")
    return value


def _notes(document: Mapping[str, Json]) -> RuleNotes:
    """Return the notes as the format `json` writes them; values of other types are left out."""
    found = document.get("notes")
    notes = found if isinstance(found, dict) else {}

    def text(name: str) -> str:
        value = notes.get(name)
        return value if isinstance(value, str) else ""

    def texts(name: str) -> tuple[str, ...]:
        values = notes.get(name)
        return tuple(one for one in values if isinstance(one, str)) if isinstance(values, list) else ()

    return RuleNotes(
        text("description"), text("why"), texts("false_positives"), texts("references"), text("maturity"),
        text("level"), texts("triage"),
    )  # fmt: skip


def _message(document: Mapping[str, Json], rule: str, priority: Severity) -> str:
    """Return the text without time and priority, which formats prefix themselves."""
    message = document.get("message")
    if isinstance(message, str) and message:
        return message
    output = _text(document, "output", rule)
    match = _PREFIXED.fullmatch(output)
    return match["message"] if match and _PRIORITIES.get(match["priority"].lower()) is priority else output


def _template_and_values(message: str, fields: Mapping[str, FieldValue]) -> tuple[Template, dict[str, FieldValue]]:
    """Return template and values. The message is a value, so that the alerts of a rule share their template (the spool
    stores it once). A message with control characters is part of the template: encoders escape controls in values, and
    those that Falco left in its message are meant."""
    refs = tuple(Ref(key, _type(value), is_list=isinstance(value, tuple)) for key, value in fields.items())
    if _CONTROL.search(message):
        return Template((message,), refs), dict(fields)
    return Template((_HEAD,), refs), {**fields, MESSAGE: message}


def _tags(document: Mapping[str, Json]) -> tuple[str, ...]:
    tags = document.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidAlert("'tags' must be an array of texts")
    return tuple(sorted(tags))


def _fields(document: Mapping[str, Json]) -> dict[str, FieldValue]:
    fields = document.get("output_fields") or {}
    if not isinstance(fields, dict):
        raise InvalidAlert(f"'output_fields' must be an object, not {_kind(fields)}")
    return {key: _value(value) for key, value in fields.items() if key != MESSAGE}


def _value(value: Json) -> FieldValue:
    """Return the value of a field: scalars stay, arrays of scalars become tuples, anything deeper becomes its JSON."""
    if isinstance(value, list):
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _scalar(value: Json) -> FieldValue:
    return value if value is None or isinstance(value, bool | int | float | str) else _json(value).decode()


def _type(value: FieldValue) -> str:
    """Return the name of the field type of a value."""
    if isinstance(value, tuple):
        return _type(value[0]) if value else "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return "double" if isinstance(value, float) else "string"


def _uuid(document: Mapping[str, Json]) -> str | None:
    """Return the `uuid` that falcosidekick or another mozu gave the alert, in its usual form; None if there is none."""
    text = document.get("uuid")
    try:
        return str(UUID(text)) if isinstance(text, str) and len(text) <= 45 else None
    except ValueError:
        return None


def _payload_hash(document: Mapping[str, Json]) -> str:
    """Return the payload's hash, independent of the order of its keys: an alert posted again has the same hash."""
    return f"falco_http/{_digest(_json(document, orjson.OPT_SORT_KEYS))}"


def _json(value: Json, option: int = 0) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:  # orjson writes whatever it reads, except for 254 levels and more
        raise InvalidAlert("the alert is nested too deeply") from None


def _digest(raw: bytes) -> str:
    return blake2b(raw, digest_size=16).hexdigest()


def _unescaped(line: str) -> str:
    """Return a text line without JSON's escapes, with which Falco writes it."""
    try:
        text = orjson.loads(f'"{line}"')
    except orjson.JSONDecodeError:
        return line
    return text if isinstance(text, str) else line


def _kind(value: Json) -> str:
    names = {list: "an array", str: "text", dict: "an object", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
