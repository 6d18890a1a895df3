"""Alerts of rules in shadow mode: how many there were of each rule, and some of their messages.

Memory is bounded: `_MOST_RULES` rules with `_SAMPLES` messages of `_LONGEST` characters. Of alerts within a second of
each other the first is kept, so that a burst leaves older samples.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from mozu.core.model.alert import Alert
from mozu.core.model.event import bounded_text

_MOST_RULES: Final = 1_000
_SAMPLES: Final = 5
_LONGEST: Final = 1_000
_SPACING: Final = 1_000_000_000
"""Least time between the events of two samples, ns."""


class ShadowSample(msgspec.Struct, frozen=True):
    """An alert that was not raised."""

    time: int
    """Time of its event, ns since the epoch."""
    output: str


class ShadowMatches(msgspec.Struct, frozen=True):
    """A rule in shadow mode, with its alerts since the start or since it entered that mode."""

    rule: str
    matches: int = 0
    samples: Sequence[ShadowSample] = ()
    """The newest ones, oldest first."""


class _Kept(msgspec.Struct):
    count: int
    samples: deque[ShadowSample]


class ShadowSamples:
    """The counts and samples of a run."""

    def __init__(self) -> None:
        self._rules: dict[str, _Kept] = {}

    def keep(self, alert: Alert) -> None:
        """Count an alert, which is redacted, and keep its message if there was none within the second before. Raises
        what rendering raises."""
        kept = self._rules.get(alert.rule)
        if kept is None:
            if len(self._rules) >= _MOST_RULES:
                return
            kept = self._rules[alert.rule] = _Kept(0, deque(maxlen=_SAMPLES))
        kept.count += 1
        if not kept.samples or abs(alert.time - kept.samples[-1].time) >= _SPACING:
            text = bounded_text(alert.message())[:_LONGEST]
            kept.samples.append(ShadowSample(alert.time, text))

    def of(self, rules: Iterable[str]) -> list[ShadowMatches]:
        """Return an entry for each of these rules, most matches first, and forget all others: they have left shadow
        mode."""
        names = list(dict.fromkeys(rules))
        self._rules = {name: kept for name, kept in self._rules.items() if name in names}
        found = [
            ShadowMatches(name, kept.count, tuple(kept.samples))
            if (kept := self._rules.get(name)) is not None
            else ShadowMatches(name)
            for name in names
        ]
        return sorted(found, key=lambda one: -one.matches)
