"""A hash look-up across rules: the value of one field → the rules that can still match.

An equality is found in a dictionary, a prefix or suffix by bisection in a sorted table, a part by the groups of four
characters it is made of; other tests are tried one after the other. The answer for a value is remembered: values repeat.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

Found = tuple[int, ...]

MAX_REMEMBERED: Final = 4096
"""Values whose answer is kept; then the memory starts afresh."""
MAX_VALUE: Final = 512
"""Characters (bytes) of a value worth keeping."""
_GRAM: Final = 4


class Atom(msgspec.Struct, frozen=True):
    """One constant that makes a rule a candidate. `op` is =, startswith, endswith, contains or ? (`test` decides)."""

    op: str
    value: Any
    rule: int
    test: Callable[[Any], bool] | None = None


class Index(dict[Any, Found]):
    """Value → rules, in no order. Missing values find none."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        super().__init__({None: ()})
        by_op: dict[str, list[Atom]] = {"=": [], "startswith": [], "endswith": [], "contains": [], "?": []}
        for atom in atoms:
            by_op[atom.op].append(atom)
        self._equal = _collected(by_op["="])
        self._prefixes = _Prefixes(_collected(by_op["startswith"]))
        self._suffixes = _Prefixes({text[::-1]: rules for text, rules in _collected(by_op["endswith"]).items()})
        self._parts = _Parts(_collected(by_op["contains"]))
        self._tests = [(atom.test, atom.rule) for atom in by_op["?"] if atom.test is not None]

    def __missing__(self, value: Any) -> Found:
        found = tuple(set(self._look_up(value)))
        if isinstance(value, int) or len(value) <= MAX_VALUE:
            if len(self) >= MAX_REMEMBERED:
                self.clear()
                self[None] = ()
            self[value] = found
        return found

    def _look_up(self, value: Any) -> Iterator[int]:
        yield from self._equal.get(value, ())
        if self._prefixes:
            yield from self._prefixes.of(value)
        if self._suffixes:
            yield from self._suffixes.of(value[::-1])
        if self._parts:
            yield from self._parts.of(value)
        for test, rule in self._tests:
            if test(value):
                yield rule


def _collected(atoms: Iterable[Atom]) -> dict[Any, Found]:
    rules: dict[Any, list[int]] = {}
    for atom in atoms:
        rules.setdefault(atom.value, []).append(atom.rule)
    return {value: tuple(found) for value, found in rules.items()}


class _Prefixes:
    """Which of many texts a value begins with."""

    def __init__(self, table: dict[Any, Found]) -> None:
        self._table = table
        self._sorted = sorted(table)
        self._shorter: dict[Any, Any] = {}
        """Each text's longest prefix among the others."""
        chain: list[Any] = []
        for text in self._sorted:
            while chain and not text.startswith(chain[-1]):
                chain.pop()
            self._shorter[text] = chain[-1] if chain else None
            chain.append(text)

    def __bool__(self) -> bool:
        return bool(self._table)

    def of(self, value: Any) -> Iterator[int]:
        # Whatever sorts between a prefix of the value and the value begins with that prefix too.
        place = bisect_right(self._sorted, value)
        text = self._sorted[place - 1] if place else None
        while text is not None and not value.startswith(text):
            text = self._shorter[text]
        while text is not None:
            yield from self._table[text]
            text = self._shorter[text]


class _Parts:
    """Which of many texts a value contains."""

    def __init__(self, table: dict[Any, Found]) -> None:
        self._grams: dict[Any, list[Any]] = {}
        self._short = [text for text in table if len(text) < _GRAM]
        self._table = table
        for text in table:
            if len(text) >= _GRAM:
                self._grams.setdefault(min(_grams(text), key=lambda gram: len(self._grams.get(gram, ()))), []).append(text)

    def __bool__(self) -> bool:
        return bool(self._table)

    def of(self, value: Any) -> Iterator[int]:
        if len(self._table) <= 16:
            candidates: Iterable[Any] = self._table
        else:
            common = self._grams.keys() & set(_grams(value))
            candidates = [*self._short, *(text for gram in common for text in self._grams[gram])]
        for text in candidates:
            if text in value:
                yield from self._table[text]


def _grams(text: Any) -> Sequence[Any]:
    return [text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)]
