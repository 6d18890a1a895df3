"""Redaction of secrets in the values and the enrichment of an alert."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from mozu.core.delivery.redact.patterns import (
    BUILTIN,
    DOTTED,
    ENVIRONMENT,
    MARK,
    VARIABLES,
    Pattern,
    any_of,
    compiled,
)
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import as_bytes, as_text
from mozu.core.model.value_types import FieldValue

_SHORTEST: Final = 6
"""Fewest bytes of a secret that is searched for in other values: shorter ones may be ordinary words."""
_MOST_SECRETS: Final = 64
"""Most secrets of an alert that are searched for in other values: time stays linear for a text that consists of
secrets."""
_MOST_KEYS: Final = 4096
_PLAIN: Final = frozenset({str, int, bool, float, type(None)})
_PARAMETERS: Final = ("evt.arg", "evt.info", "evt.buffer")
_ENVIRONMENTS: Final = ("proc.env", "proc.aenv", "evt.arg.env")
_OTHERS: Final = ("fd.", "fs.", "proc.exe", "proc.name", "proc.cwd", "user.", "group.", "container.", "k8s.")
"""Prefixes of values that hold no arguments: secrets found elsewhere are not searched for there, so that a path cannot
be hidden by passing it to a program as a password."""

Values = Mapping[str, FieldValue]


class Redactor:
    """Redactor of alerts. `patterns` are expressions besides the built-in ones; `fields` are names of fields that are
    hidden entirely."""

    def __init__(self, metrics: Metrics, patterns: Sequence[str] = (), fields: Iterable[str] = ()) -> None:
        extra = [Pattern(f"extra_{number}", expression) for number, expression in enumerate(patterns, 1)]
        self._patterns = [*(Pattern(*builtin) for builtin in BUILTIN), *extra]
        self._dotted = Pattern(*DOTTED)
        self._suspicious: Callable[[bytes], re.Match[bytes] | None] = any_of((*self._patterns, self._dotted)).search
        self._secret_variable: Callable[[bytes], re.Match[bytes] | None] = compiled(ENVIRONMENT).fullmatch
        self._variables = Pattern("environment", VARIABLES)
        self._fields, self._apart = tuple(fields), bool(extra)
        self._metrics = metrics
        self._special: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __call__(self, alert: Alert) -> None:
        """Replace `values` and `enrichment` if they hold a secret."""
        values, enrichment = alert.values, alert.enrichment
        special = self._special_keys((*values, *enrichment))
        if special or self._finds_any([*values.values(), *enrichment.values()]):
            work = _Pass(self, special)
            alert.values, alert.enrichment = work.hidden(values), work.hidden(enrichment)
            alert.values, alert.enrichment = work.without(alert.values), work.without(alert.enrichment)

    def _finds_any(self, values: list[FieldValue]) -> bool:
        """Return True if any text may hold a secret. All texts are searched at once, unless a configured expression may
        depend on their ends."""
        if _PLAIN.issuperset(map(type, values)):
            texts = {value for value in values if type(value) is str}
        else:
            texts = set(map(_flat, values))
        if self._apart:
            return any(self._suspicious(as_bytes(text)) is not None for text in texts)
        return self._suspicious(as_bytes("\n".join(texts))) is not None

    def _special_keys(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys whose name alone shows that the value, or a part of it, is a secret."""
        found = self._special.get(keys)
        if found is None:
            if len(self._special) >= _MOST_KEYS:
                self._special.clear()
            found = tuple(key for key in keys if self.is_hidden(key) or _is_environment(key))
            self._special[keys] = found
        return found

    def is_hidden(self, key: str) -> bool:
        """Return True if the value is hidden entirely: a configured field, or a variable whose name marks a secret."""
        if any(key == field or f"{field}[" in key or f"({field})" in key for field in self._fields):
            return True
        variable = next((key.partition(f"{name}[")[2] for name in _ENVIRONMENTS if f"{name}[" in key), "")
        return self._secret_variable(as_bytes(variable.partition("]")[0])) is not None

    def count(self, pattern: str, number: int) -> None:
        """Count hidden secrets in the metric."""
        self._metrics.counter("redactions_total", pattern=pattern).value += number

    def hide(self, key: str, raw: bytes, secrets: list[bytes]) -> bytes:
        """Return the text with secrets hidden, and add them to `secrets`."""
        if _is_environment(key):
            before = b""
            while raw != before:  # a match ends with the name of the next variable, which may hold a secret too
                before, raw = raw, self._apply(self._variables, raw, secrets)
        if self._suspicious(raw) is None:
            return raw
        for pattern in self._patterns:
            raw = self._apply(pattern, raw, secrets)
        return self._apply(self._dotted, raw, secrets) if key.startswith(_PARAMETERS) else raw

    def _apply(self, pattern: Pattern, raw: bytes, secrets: list[bytes]) -> bytes:
        hidden = pattern.hide(raw)
        if hidden.secrets:
            self.count(pattern.name, len(hidden.secrets))
            secrets += hidden.secrets
        return hidden.text


class _Pass:
    """Redaction of one alert that holds a secret."""

    def __init__(self, redactor: Redactor, special: Sequence[str]) -> None:
        self._redactor, self._special = redactor, frozenset(special)
        self._secrets: list[bytes] = []

    def hidden(self, values: Values) -> dict[str, FieldValue]:
        """Return the values with all texts hidden that match a pattern."""
        return {key: self._value(key, value) for key, value in values.items()}

    def without(self, values: dict[str, FieldValue]) -> dict[str, FieldValue]:
        """Return the values with the secrets hidden that were found so far, wherever they occur."""
        secrets = dict.fromkeys(secret for secret in self._secrets if len(secret) >= _SHORTEST)
        wanted = sorted([*secrets][:_MOST_SECRETS], key=len, reverse=True)
        if not wanted:
            return values
        return {key: value if key.startswith(_OTHERS) else _without(value, wanted) for key, value in values.items()}

    def _value(self, key: str, value: FieldValue) -> FieldValue:
        if key in self._special and value is not None and self._redactor.is_hidden(key):
            self._redactor.count("field" if not _is_environment(key) else "environment", 1)
            if isinstance(value, str):
                self._secrets.append(as_bytes(value))
            return MARK
        if isinstance(value, str):
            return as_text(self._redactor.hide(key, as_bytes(value), self._secrets))
        if isinstance(value, bytes):
            return self._redactor.hide(key, value, self._secrets)
        if isinstance(value, tuple | list):
            return type(value)(self._items(key, value))
        return value

    def _items(self, key: str, items: Iterable[FieldValue]) -> list[FieldValue]:
        """Return the redacted items of a list of arguments, in which an option's secret may be the next item."""
        found: list[FieldValue] = []
        for item in items:
            before = found[-1] if found else None
            if isinstance(item, str) and isinstance(before, str) and before.startswith("-"):
                head = as_bytes(f"{before} ")
                both = self._redactor.hide(key, head + as_bytes(item), self._secrets)
                item = as_text(both[len(head) :]) if both.startswith(head) else item
            found.append(self._value(key, item))
        return found


def _is_environment(key: str) -> bool:
    return any(name in key for name in _ENVIRONMENTS)


def _flat(value: FieldValue) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return " ".join(map(_flat, value)) if isinstance(value, tuple | list) else ""


def _without(value: FieldValue, secrets: Sequence[bytes]) -> FieldValue:
    if isinstance(value, tuple | list):
        return type(value)(_without(item, secrets) for item in value)
    if not isinstance(value, str | bytes):
        return value
    raw = as_bytes(value) if isinstance(value, str) else value
    for secret in secrets:
        raw = raw.replace(secret, MARK.encode())
    return as_text(raw) if isinstance(value, str) else raw
