"""Falco's objects and lines of text as alerts."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import orjson

from mozu.core.api import Alert, Severity
from mozu.core.model.alert import Ref, Template, alert_id
from mozu.plugins.sources.falco_http.times import moment, of_day

MESSAGE: Final = "falco_http.message"
"""Where the text lies among an alert's values. It is no field, so `output_fields` stay as they came."""

TEXT_RULE: Final = "Falco alert as text"
"""The rule of an alert in Falco's text format, which does not tell its name."""

_PRIORITIES: Final = {**{severity.label.lower(): severity for severity in Severity}, "info": Severity.INFORMATIONAL}
_PREFIXED: Final = re.compile(r"(?P<time>\S+): (?P<priority>[A-Za-z]+) (?P<message>.*)", re.DOTALL)
_HEAD: Final = Ref(MESSAGE, "string", is_field=False)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


class BadInput(ValueError):
    """Why something is no alert; one sentence."""


def from_object(document: Any) -> Alert:
    """One object of Falco's JSON format. Raises BadInput."""
    if not isinstance(document, dict):
        raise BadInput(f"an alert is a JSON object, not {_kind(document)}")
    rule = _text(document, "rule")
    priority = _PRIORITIES.get(_text(document, "priority").lower())
    if priority is None:
        raise BadInput(f"the priority {document['priority'][:40]!r} is none of Falco's")
    when = moment(_text(document, "time"))
    if when is None:
        raise BadInput(f"the time {document['time'][:40]!r} is no date and time as in RFC 3339")
    fields = _fields(document)
    return Alert(
        rule=rule,
        priority=priority,
        source=_text(document, "source", "syscall"),
        time=when,
        **_worded(_message(document, rule, priority), fields),
        tags=_tags(document),
        hostname=_text(document, "hostname", ""),
        event_type=str(fields.get("evt.type") or ""),
        id=_kept(document) or alert_id(when, _identity(document), rule),
    )


def from_line(line: str, now: float) -> Alert:
    """One line of Falco's text format. `now`: seconds since the epoch, tells the day. Raises BadInput."""
    match = _PREFIXED.fullmatch(_unescaped(line))
    priority = None if match is None else _PRIORITIES.get(match["priority"].lower())
    when = None if match is None else moment(match["time"]) or of_day(match["time"], now)
    if match is None or priority is None or when is None:
        raise BadInput("text must be Falco's lines `TIME: PRIORITY MESSAGE`; better set `json_output: true` there")
    return Alert(
        rule=TEXT_RULE,
        priority=priority,
        source="syscall",
        time=when,
        **_worded(match["message"], {}),
        id=alert_id(when, f"falco_http/{_digest(line.encode())}", TEXT_RULE),
    )


def _text(document: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A text; where there is a default, null and an empty text stand for it."""
    value = document.get(key)
    if default is not None and value in (None, ""):
        return default
    if not isinstance(value, str) or not value:
        raise BadInput(f"an alert needs {key!r}, a text that is not empty")
    return value


def _message(document: Mapping[str, Any], rule: str, priority: Severity) -> str:
    """The text without time and priority, which formats put before it themselves."""
    message = document.get("message")
    if isinstance(message, str) and message:
        return message
    output = _text(document, "output", rule)
    match = _PREFIXED.fullmatch(output)
    return match["message"] if match and _PRIORITIES.get(match["priority"].lower()) is priority else output


def _worded(message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`template` and `values`. The text is a value, so that the alerts of a rule share their template (the spool keeps
    it once); a text with line ends is the template's own: encoders replace controls in values, and Falco has done that
    already with what it did not mean."""
    refs = tuple(Ref(key, _type(value), is_list=isinstance(value, tuple)) for key, value in fields.items())
    if _CONTROL.search(message):
        return {"template": Template((message,), refs), "values": dict(fields)}
    return {"template": Template((_HEAD,), refs), "values": {**fields, MESSAGE: message}}


def _tags(document: Mapping[str, Any]) -> tuple[str, ...]:
    tags = document.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadInput("'tags' must be an array of texts")
    return tuple(sorted(tags))


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    fields = document.get("output_fields") or {}
    if not isinstance(fields, dict):
        raise BadInput(f"'output_fields' must be an object, not {_kind(fields)}")
    return {key: _value(value) for key, value in fields.items() if key != MESSAGE}


def _value(value: Any) -> Any:
    """Scalars stay, arrays of them become tuples, anything deeper becomes its JSON."""
    if isinstance(value, list):
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def _type(value: Any) -> str:
    """The name of a field type."""
    if isinstance(value, tuple):
        return _type(value[0]) if value else "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return "double" if isinstance(value, float) else "string"


def _kept(document: Mapping[str, Any]) -> str | None:
    """The `uuid` that falcosidekick or another mozu gave the alert, in its usual form."""
    text = document.get("uuid")
    try:
        return str(UUID(text)) if isinstance(text, str) and len(text) <= 45 else None
    except ValueError:
        return None


def _identity(document: Mapping[str, Any]) -> str:
    """The payload's hash, whatever order its keys come in: what is posted again is the same alert."""
    return f"falco_http/{_digest(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))}"


def _digest(raw: bytes) -> str:
    return blake2b(raw, digest_size=16).hexdigest()


def _unescaped(line: str) -> str:
    """Falco writes text lines with JSON's escapes."""
    try:
        text = orjson.loads(f'"{line}"')
    except orjson.JSONDecodeError:
        return line
    return text if isinstance(text, str) else line


def _kind(value: Any) -> str:
    names = {list: "an array", str: "text", dict: "an object", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
