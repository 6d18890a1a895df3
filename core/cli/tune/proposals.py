"""Alerts of a rule → exceptions: narrowest first, each with the number of the alerts that it silences.

The narrowest one has every field of the most frequent kind of alert. Each further one leaves out the value that fewest
alerts have, or puts the folder of all paths in its place. Values that all alerts have stay, and two fields at least: an
exception on a single one excuses a program in all it does.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from os.path import commonpath, dirname
from typing import Final

import msgspec

from mozu.core.cli.tune.alerts import TunedAlert
from mozu.core.language.conditions import globs

_FEWEST: Final = 2
"""Number of fields of the widest exception."""
_DEEP: Final = 2
"""Least depth of a folder that is excepted."""
_BELOW: Final = "startswith"
_VARYING: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![A-Za-z0-9])"
    r"|(?<=/tmp/)[^/\s]+|(?<=/var/tmp/)[^/\s]+|(?<=/dev/shm/)[^/\s]+"
)
"""Parts of paths and arguments that differ from run to run: numbers, hexadecimal names, names of temporary files."""
_META: Final = re.compile(r"[*?\[\]\\]")
_WEIGHTS: Final = (
    "container.image.repository", "k8s.ns.name", "proc.exepath", "proc.name", "proc.pname", "user.name", "fd.name",
)  # fmt: skip
"""Fields that are left out last, the last of all first: they name the program, its parent, its image and its object."""


_Tests = tuple[tuple[str, str, str], ...]
_matcher = lru_cache(1024)(globs.matcher)


class Proposal(msgspec.Struct, frozen=True):
    """An exception that could be made."""

    tests: _Tests
    """(field, `=`, `glob` or `startswith`, value) of each comparison; all must hold."""
    silenced: int = 0
    """Number of the alerts in which they hold."""

    def holds(self, values: dict[str, str]) -> bool:
        """Return True if an event whose alert has these values is excepted."""
        return all(name in values and _compares(comp, text, values[name]) for name, comp, text in self.tests)

    @property
    def condition(self) -> str:
        """The exception in the language of conditions."""
        return " and ".join(f"{name} {comp} {literal(text)}" for name, comp, text in self.tests)


class Variety(msgspec.Struct, frozen=True):
    """The values of a field in the alerts of a rule."""

    field: str
    values: int
    """Number of different patterns."""
    commonest: str
    share: float
    """Part of the alerts that have the commonest one, from 0 to 1."""


def literal(text: str) -> str:
    """Return a text as a quoted literal of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def pattern(value: str) -> str:
    """Return the value with `*` for each part that differs from run to run; the value itself if it has none, or if it
    has characters that mean something in a pattern."""
    return value if _META.search(value) else re.sub(r"\*+", "*", _VARYING.sub("*", value))


class Patterns:
    """The values of the alerts of one rule, by field. Values that differ only in parts that vary from run to run have
    one pattern; a value that is the only one of its pattern stays as it is."""

    def __init__(self, alerts: Sequence[TunedAlert]) -> None:
        self._number = len(alerts)
        self._raw: dict[tuple[str, str], set[str]] = {}
        counts: dict[str, Counter[str]] = {}
        for alert in alerts:
            for name, value in alert.values.items():
                self._raw.setdefault((name, pattern(value)), set()).add(value)
        for alert in alerts:
            for name, value in alert.values.items():
                counts.setdefault(name, Counter())[self.of(name, value)[1]] += 1
        self._counts = counts

    def of(self, name: str, value: str) -> tuple[str, str]:
        """Return `=` and the value, or `glob` and its pattern."""
        text = pattern(value)
        return ("=", value) if len(self._raw[name, text]) == 1 or text == value else ("glob", text)

    def share(self, name: str, comp: str, text: str) -> float:
        """Return the part of the alerts that have this value, pattern or folder, from 0 to 1."""
        counts = self._counts[name]
        return (counts.total() if comp == _BELOW else counts[text]) / self._number

    def folder(self, name: str) -> _Tests:
        """Return the test for the folder that all values of a field are in; empty if they are no paths, or have only
        the root or a folder of the root in common."""
        values = [value for key, raw in self._raw.items() if key[0] == name for value in raw]
        if not all(value.startswith("/") for value in values):
            return ()
        common = commonpath(map(dirname, values))
        return ((name, _BELOW, f"{common}/"),) if common.count("/") >= _DEEP else ()

    def varieties(self) -> list[Variety]:
        """Return the fields, the stable ones first."""
        found = []
        for name, values in self._counts.items():
            commonest, number = values.most_common(1)[0]
            found.append(Variety(name, len(values), commonest, number / self._number))
        return sorted(found, key=lambda one: (-one.share, one.field))


def proposals(alerts: Sequence[TunedAlert], patterns: Patterns) -> list[Proposal]:
    """Return the exceptions for the most frequent kind of alert; none if no field can tell it from others."""
    counts = Counter(tuple(sorted(alert.values.items())) for alert in alerts)
    distinct = [(dict(values), number) for values, number in counts.items()]
    kinds = Counter[_Tests]()
    for values, number in distinct:
        kinds[_kind(values, patterns)] += number
    tests = max(kinds, key=lambda kind: (kinds[kind], kind), default=())
    found: list[Proposal] = []
    while len(tests) >= _FEWEST:
        silenced = _count(tests, distinct)
        if not found or silenced > found[-1].silenced:
            found.append(Proposal(tests, silenced))
        if silenced == len(alerts):
            break
        rarest = min(tests, key=lambda test: (patterns.share(*test), worth(test[0]), test))
        wider = patterns.folder(rarest[0]) if rarest[1] != _BELOW else ()
        tests = tuple(one for test in tests for one in (wider if test == rarest else (test,)))
    return found


def _kind(values: dict[str, str], patterns: Patterns) -> _Tests:
    tests = ((name, *patterns.of(name, value)) for name, value in sorted(values.items()))
    return tuple(test for test in tests if test[2].strip("*/ "))


def worth(name: str) -> int:
    """Return how well a field names what happened; of fields with equal shares the better one stays longer."""
    return _WEIGHTS.index(name) + 1 if name in _WEIGHTS else 0


def _count(tests: _Tests, distinct: Iterable[tuple[dict[str, str], int]]) -> int:
    holds = Proposal(tests).holds
    return sum(number for values, number in distinct if holds(values))


def _compares(comp: str, text: str, value: str) -> bool:
    if comp == _BELOW:
        return value.startswith(text)
    return value == text if comp == "=" else _matcher(text)(value)
