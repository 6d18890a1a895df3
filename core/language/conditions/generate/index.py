"""A hash look-up across rules: the value of one field → the rules that can still match.

An equality is found in a dictionary, a prefix or suffix by bisection in a sorted table. For many parts, one automaton
finds that no part occurs; other tests are run one after the other. Answers are cached: values repeat.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from mozu.core.caches import CacheTable
from mozu.core.language.conditions.regexes import alternatives

Found = tuple[int, ...]

MAX_REMEMBERED: Final = 4096
"""Maximum number of values with a cached answer; then the cache is cleared."""
MAX_VALUE: Final = 512
"""Maximum characters (bytes) of a cached value."""
AUTOMATON_FROM: Final = 20
"""Minimum number of parts for which an automaton is faster than searching for each."""


class Atom(msgspec.Struct, frozen=True):
    """A constant that makes a rule a candidate. `op` is =, startswith, endswith, contains or ? (`test` decides)."""

    op: str
    value: Any
    rule: int
    test: Callable[[Any], bool] | None = None


Finder = Callable[[Any], Sequence[int]]
"""Function from a value to rules."""


def look_up(atoms: Iterable[Atom]) -> Callable[[Any], Found | None]:
    """Return a function from a value (possibly missing) to the rules of its atoms, unordered."""
    by_op: dict[str, list[Atom]] = {}
    for atom in atoms:
        by_op.setdefault(atom.op, []).append(atom)
    if set(by_op) == {"="}:
        return _collected(by_op["="]).get
    return _Memory([_FINDERS[op](found) for op, found in by_op.items()]).__getitem__


class _Memory(CacheTable[Any, Found]):
    """Cache of the answers by value."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        super().__init__()
        self._finders = finders

    def __missing__(self, value: Any) -> Found:
        if value is None:
            self[None] = ()
            return ()
        rules: list[int] = []
        for find in self._finders:
            rules += find(value)
        found = tuple(set(rules)) if len(rules) > 1 else tuple(rules)
        if isinstance(value, int) or len(value) <= MAX_VALUE:
            if len(self) >= MAX_REMEMBERED:
                self.clear()
            self[value] = found
        return found


def _collected(atoms: Iterable[Atom]) -> dict[Any, Found]:
    rules: dict[Any, list[int]] = {}
    for atom in atoms:
        rules.setdefault(atom.value, []).append(atom.rule)
    return {value: tuple(dict.fromkeys(found)) for value, found in rules.items()}


def _equal(atoms: Sequence[Atom]) -> Finder:
    get = _collected(atoms).get
    return lambda value: get(value, ())


def _prefixes(atoms: Sequence[Atom]) -> Finder:
    """Find prefixes by bisection: every text that sorts between a prefix of a value and the value also begins with
    it."""
    table = _collected(atoms)
    texts = sorted(table)
    shorter: dict[str, str | None] = {}
    chain: list[str] = []
    for text in texts:
        while chain and not text.startswith(chain[-1]):
            chain.pop()
        shorter[text] = chain[-1] if chain else None
        chain.append(text)

    least = min(map(len, texts))
    heads = {text[:least] for text in texts}

    def find(value: str) -> Sequence[int]:
        if value[:least] not in heads:
            return ()
        place = bisect_right(texts, value)
        text = texts[place - 1] if place else None
        while text is not None and not value.startswith(text):
            text = shorter[text]
        rules: list[int] = []
        while text is not None:
            rules += table[text]
            text = shorter[text]
        return rules

    return find


def _suffixes(atoms: Sequence[Atom]) -> Finder:
    find = _prefixes([Atom("startswith", atom.value[::-1], atom.rule) for atom in atoms])
    least = min(len(atom.value) for atom in atoms)
    tails = {atom.value[len(atom.value) - least :] for atom in atoms}
    return lambda value: find(value[::-1]) if value[-least:] in tails or not least else ()


def _parts(atoms: Sequence[Atom]) -> Finder:
    """Find parts: one pass of an automaton tells that no text occurs; only the few other values are searched."""
    table = _collected(atoms)

    def find(value: str) -> Sequence[int]:
        return [rule for text, rules in table.items() if text in value for rule in rules]

    if len(table) < AUTOMATON_FROM:
        return find
    search = alternatives(table)
    return lambda value: find(value) if search(value) else ()


def _tried(atoms: Sequence[Atom]) -> Finder:
    tests = [(atom.test, atom.rule) for atom in atoms if atom.test is not None]
    return lambda value: [rule for test, rule in tests if test(value)]


_FINDERS: Final[dict[str, Callable[[Sequence[Atom]], Finder]]] = {
    "=": _equal,
    "startswith": _prefixes,
    "endswith": _suffixes,
    "contains": _parts,
    "?": _tried,
}
