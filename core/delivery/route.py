"""Routing: selection of a sink's alerts by priority, tags, rules, sources and the mode of the rule."""

from collections.abc import Sequence
from fnmatch import translate
from re import compile as regex
from typing import Final, Literal

from mozu.core.delivery.packed_alert import AlertForm
from mozu.core.model.alert import Severity

ShadowAlerts = Literal["none", "also", "only"]
_SHADOW: Final = {"none": (False,), "also": (False, True), "only": (True,)}
"""Choice → values of `shadow` of the forms that pass."""


def _pattern(names: Sequence[str]) -> str:
    """Return a regular expression for the names, in which only `*` is special, as in rule selection."""
    return "|".join(translate(name.replace("[", "[[]").replace("?", "[?]")) for name in names)


class Route:
    """Criteria of a sink, all of which must match. mozu's own notices (source `internal`) pass every route."""

    def __init__(
        self,
        *,
        priority: Severity = Severity.DEBUG,
        tags: Sequence[str] = (),
        rules: Sequence[str] = (),
        sources: Sequence[str] = (),
        not_rules: Sequence[str] = (),
        shadow: ShadowAlerts = "none",
    ) -> None:
        self._priority, self._tags, self._sources = priority, frozenset(tags), frozenset(sources)
        self._shadow = _SHADOW[shadow]
        self._rules = regex(_pattern(rules)) if rules else None
        self._not_rules = regex(_pattern(not_rules)) if not_rules else None

    def passes(self, alert: AlertForm) -> bool:
        """Return True if the sink gets alerts of this form."""
        if alert.source == "internal":
            return True
        return (
            alert.shadow in self._shadow
            and alert.priority <= self._priority
            and (not self._tags or not self._tags.isdisjoint(alert.tags))
            and (not self._sources or alert.source in self._sources)
            and (self._rules is None or self._rules.fullmatch(alert.rule) is not None)
            and (self._not_rules is None or self._not_rules.fullmatch(alert.rule) is None)
        )
