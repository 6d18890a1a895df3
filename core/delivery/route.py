"""Routing: selection of a sink's alerts by priority, tags, rules and sources."""

from collections.abc import Sequence
from fnmatch import translate
from re import compile as regex

from mozu.core.delivery.packed_alert import AlertForm
from mozu.core.model.alert import Severity


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
    ) -> None:
        self._priority, self._tags, self._sources = priority, frozenset(tags), frozenset(sources)
        self._rules = regex(_pattern(rules)) if rules else None
        self._not_rules = regex(_pattern(not_rules)) if not_rules else None

    def passes(self, alert: AlertForm) -> bool:
        """Return True if the sink gets alerts of this form."""
        if alert.source == "internal":
            return True
        return (
            alert.priority <= self._priority
            and (not self._tags or not self._tags.isdisjoint(alert.tags))
            and (not self._sources or alert.source in self._sources)
            and (self._rules is None or self._rules.fullmatch(alert.rule) is not None)
            and (self._not_rules is None or self._not_rules.fullmatch(alert.rule) is None)
        )
