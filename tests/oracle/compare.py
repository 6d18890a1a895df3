"""Comparison of expected and found alerts at three levels: which rules fired for which events, their outputs, and the
typed fields.
"""

from typing import Any, Final

import msgspec

_OF_MOZU: Final = frozenset({"output_fields", "hostname", "uuid", "notes", "correlation_uid"})
"""Properties that Falco's alerts do not have, or that are compared one by one."""

LEVELS = ("events and rules", "output", "output fields")
MISSING = object()
"""Placeholder if one side has no value at all."""
REFUSED = "an error and no alert"
"""Expectation for rules that Falco does not load."""


class Difference(msgspec.Struct, frozen=True):
    """Disagreement between Falco and mozu."""

    level: int
    """Index into `LEVELS`."""
    rule: str
    at: str
    """Time of the alert, or another hint at the place."""
    key: str
    """Field, or property of the alert; empty for a whole alert."""
    expected: Any
    found: Any

    def __str__(self) -> str:
        where = f"[{LEVELS[self.level]}] {self.rule} at {self.at}: {self.key}"
        return f"{where} expected {self.expected!r}, found {self.found!r}"


def compare(expected: tuple[dict[str, Any], ...], found: list[dict[str, Any]]) -> list[Difference]:
    """Return every disagreement. Alerts are paired by (time, rule, occurrence)."""
    wanted, had = _keyed(expected), _keyed(tuple(found))
    differences = [Difference(0, key[1], key[0], "", alert, None) for key, alert in wanted.items() if key not in had]
    differences += [Difference(0, key[1], key[0], "", None, alert) for key, alert in had.items() if key not in wanted]
    both = [key for key in wanted if key in had]
    order = [key for key in had if key in wanted]
    if both != order:
        differences.append(Difference(0, "(order)", "", "order", both, order))
    for key in both:
        differences += _alert(wanted[key], had[key])
    return differences


def _keyed(alerts: tuple[dict[str, Any], ...]) -> dict[tuple[str, str, int], dict[str, Any]]:
    keyed: dict[tuple[str, str, int], dict[str, Any]] = {}
    for alert in alerts:
        occurrence = 0
        while (alert["time"], alert["rule"], occurrence) in keyed:
            occurrence += 1
        keyed[alert["time"], alert["rule"], occurrence] = alert
    return keyed


def _alert(expected: dict[str, Any], found: dict[str, Any]) -> list[Difference]:
    rule, at = expected["rule"], expected["time"]
    differences = []
    for key in sorted((expected.keys() | found.keys()) - _OF_MOZU):
        one, other = expected.get(key, MISSING), found.get(key, MISSING)
        if one != other:
            differences.append(Difference(1, rule, at, key, one, other))
    fields, mine = expected.get("output_fields", {}), found.get("output_fields", {})
    for key in sorted(fields.keys() | mine.keys()):
        one, other = fields.get(key, MISSING), mine.get(key, MISSING)
        if one != other or type(one) is not type(other):
            differences.append(Difference(2, rule, at, key, one, other))
    return differences
