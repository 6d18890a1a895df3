"""The alerts of a page, with what all alerts of a rule share kept once."""

import json
import re
from collections.abc import Mapping
from typing import Final

import orjson

_BEFORE: Final = re.compile(r"\d\d:\d\d:\d\d\.\d{9}: \w+ ")
"""Time and severity, with which an output begins."""
_AFTER: Final = re.compile(r" \(?[a-z_]+=")
"""The first pair of a name and a value, with which the sentence of an output ends."""
_LONGEST: Final = 4_000
"""Maximum characters of a value; command lines may have megabytes."""
_TEXTS: Final = ("description", "why", "maturity")
_LISTS: Final = ("false_positives", "references", "triage")


class PageContents:
    """Alerts and their rules, as the page reads them."""

    def __init__(self) -> None:
        self._rules: dict[bytes, int] = {}
        """JSON of a rule → its number."""
        self._alerts: list[dict[str, object]] = []

    def add(self, document: Mapping[str, object]) -> None:
        """Add an alert, which is a document of the format `json`. Whatever it lacks is empty."""
        rule = orjson.dumps(_rule(document))
        fields = document.get("output_fields")
        self._alerts.append({
            "rule": self._rules.setdefault(rule, len(self._rules)),
            "time": _text(document.get("time")),
            "priority": _text(document.get("priority")),
            "sentence": sentence(_text(document.get("output"))),
            "host": _text(document.get("hostname")),
            "story": _text(document.get("correlation_uid")),
            "fields": {_text(name): _value(value) for name, value in _mapping(fields).items()},
        })  # fmt: skip

    def document(self) -> dict[str, object]:
        """Return the document that the page's script reads."""
        return {"rules": [orjson.Fragment(rule) for rule in self._rules], "alerts": self._alerts}


def sentence(output: str) -> str:
    """Return what an output says, without its time, its severity and its pairs of names and values."""
    text = output[found.end() :] if (found := _BEFORE.match(output)) else output
    end = _AFTER.search(text)
    return _cut(text[: end.start()] if end and end.start() else text)


def _rule(document: Mapping[str, object]) -> dict[str, object]:
    notes = _mapping(document.get("notes"))
    return {
        "name": _text(document.get("rule")),
        "id": _text(document.get("rule_id")),
        "tags": _texts(document.get("tags")),
        "next": _text(document.get("next")),
        **{name: _text(notes.get(name)) for name in _TEXTS},
        **{name: _texts(notes.get(name)) for name in _LISTS},
    }


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [_text(one) for one in value] if isinstance(value, list) else []


def _text(value: object) -> str:
    return _cut(value) if isinstance(value, str) else ""


def _value(value: object) -> str | None:
    """Return a field's value as text: a script would round an integer of nanoseconds."""
    if value is None or isinstance(value, str):
        return value if value is None else _cut(value)
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    """Return the text in valid UTF-8, and without its end if it is long."""
    valid = text if text.isascii() else text.encode(errors="replace").decode()
    return valid if len(valid) <= _LONGEST else f"{valid[:_LONGEST]}…"
