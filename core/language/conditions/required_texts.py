"""Required texts of a regular expression: every match contains at least one of them.

Most values match no expression of a rule, and searching for a text takes a twentieth of the time of the engine. The
expression must be one that regexes.py has compiled.
"""

import string
from typing import Final

from mozu.core.caches import cached

_DEEPEST: Final = 40
"""Maximum number of nested groups; the content of deeper groups is treated as unknown."""
_MOST: Final = 16
"""Maximum number of texts that are searched for one by one."""
_COMMON: Final = frozenset(" /-_.=:" + string.ascii_letters + string.digits)
"""Characters that most values contain."""
_NOTHING: Final[tuple[str, ...]] = ()


class _Unknown(Exception):
    """Raised for syntax that only the engine understands: an escape with a letter."""


@cached(1024)
def required_texts(pattern: str) -> tuple[str, ...]:
    """Return the required texts; empty if they are unknown or occur in most values."""
    try:
        found = _Reader(pattern).alternatives(0)
    except _Unknown:
        return _NOTHING
    return found if len(found) <= _MOST and _COMMON.isdisjoint(found) else _NOTHING


class _Reader:
    """Reader of an expression, once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0

    def alternatives(self, depth: int) -> tuple[str, ...]:
        """Return the texts up to the end, or up to the bracket that ends a group."""
        if depth > _DEEPEST:
            raise _Unknown
        branches = [self._branch(depth)]
        while self._next() == "|":
            self._at += 1
            branches.append(self._branch(depth))
        if not all(branches):
            return _NOTHING
        return tuple(dict.fromkeys(text for branch in branches for text in branch))

    def _branch(self, depth: int) -> tuple[str, ...]:
        """Return the best required texts among its parts, all of which must match."""
        best, text = _NOTHING, ""
        while self._next() not in ("", "|", ")"):
            char, inner = self._atom(depth)
            least, is_once = self._repeats()
            if char and least:
                text += char
            if char and is_once:
                continue
            best = _better(_better(best, (text,) if text else _NOTHING), inner if least else _NOTHING)
            text = ""
        return _better(best, (text,) if text else _NOTHING)

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _atom(self, depth: int) -> tuple[str, tuple[str, ...]]:
        """Return (the literal character, else empty; for a group, its required texts)."""
        char = self._next()
        self._at += 1
        if char == "(":
            inner = self.alternatives(depth + 1)
            self._at += 1
            return "", inner
        if char == "[":
            return self._one_of(), _NOTHING
        if char == "\\":
            char = self._next()
            self._at += 1
            if char.isalnum():
                raise _Unknown
        elif char in ".^$":
            return "", _NOTHING
        return char if char.isascii() else "", _NOTHING

    def _one_of(self) -> str:
        """Return the character of a bracket expression with one character; else empty."""
        begin = self._at
        if self._next() == "^":
            self._at += 1
        if self._next() == "]":
            self._at += 1
        while self._next() != "]":
            if self._pattern.startswith("[:", self._at):
                self._at = self._pattern.index(":]", self._at) + 1
            elif self._next() == "\\":
                raise _Unknown
            self._at += 1
        inside = self._pattern[begin : self._at]
        self._at += 1
        return inside if len(inside) == 1 and inside.isascii() else ""

    def _repeats(self) -> tuple[int, bool]:
        """Return (minimum number of repetitions, True if exactly one)."""
        least, is_once = 1, True
        while (char := self._next()) and char in "*+?{":
            self._at += 1
            if char == "{":
                end = self._pattern.find("}", self._at)
                count = self._pattern[self._at : max(end, self._at)].partition(",")[0]
                if not count.isdecimal():
                    raise _Unknown  # a plain brace
                self._at = end + 1
                char = "+" if int(count) else "*"
            least, is_once = least if char == "+" else 0, False
        return least, is_once


def _better(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts that fewer values contain: longer texts, then fewer texts."""
    if not one or not other:
        return one or other
    return max(one, other, key=lambda texts: (_COMMON.isdisjoint(texts), min(map(len, texts)), -len(texts)))
