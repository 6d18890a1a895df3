"""Patterns of fnmatch(3) without flags, compiled to regular expressions that need time linear in the value.

Values match byte by byte: each byte is one character here (latin-1), so `?` is a byte. `*` and `?` also match `/` and
leading dots; a backslash quotes; an unclosed `[` is literal. Parts between stars match at their leftmost position: a
later position never helps, hence the atomic groups.
"""

import re
from collections.abc import Callable
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.event import as_bytes

_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t-\\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NAMED: Final = re.compile(r"\[:([a-z]+):\]")
_NEVER: Final = "(?!)"

Piece = str
"""A regular expression for one byte."""


def latin(text: str) -> str:
    """Return the bytes of a text, each as one character."""
    return text if text.isascii() else as_bytes(text).decode("latin-1")


def lower(text: str) -> str:
    """Convert ASCII letters to lower case; leave every other byte unchanged."""
    return text.lower() if text.isascii() else as_bytes(text).lower().decode("utf-8", "surrogateescape")


@cached(4096)
def matcher(pattern: str, fold: bool = False) -> Callable[[str], bool]:
    """Return a function that tests whether the whole value matches; with `fold`, the case of ASCII letters is
    ignored."""
    full_match = re.compile(regex(lower(pattern) if fold else pattern), re.DOTALL).fullmatch
    if fold:
        return lambda value: full_match(latin(lower(value))) is not None
    return lambda value: full_match(value if value.isascii() else latin(value)) is not None


def regex(pattern: str, star: str = ".") -> str:
    """Return the regular expression over `latin` text; `star` is the expression for `?` that `*` repeats."""
    parts = _parts(latin(pattern), star)
    if parts is None:
        return _NEVER
    head, *rest = ("".join(part) for part in parts)
    if not rest:
        return head
    middle = "".join(f"(?>{star}*?{part})" for part in rest[:-1] if part)
    return f"{head}{middle}{star}*{rest[-1]}"


def literal(pattern: str) -> str | None:
    """Return the text that a pattern without wildcards matches; None if it has wildcards or a quote."""
    return pattern if not re.search(r"[*?\[\\]", pattern) else None


def longest(pattern: str) -> str:
    """Return the longest text that every matching value contains; empty if the pattern has quotes or brackets."""
    if "[" in pattern or "\\" in pattern:
        return ""
    return max(re.split(r"[*?]", pattern), key=len)


def _parts(pattern: str, star: str) -> list[list[Piece]] | None:
    """Return the pieces between stars; None for a pattern that never matches (it ends with a quote)."""
    parts: list[list[Piece]] = [[]]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append([])
        elif char == "?":
            parts[-1].append(star)
        elif char == "\\":
            if at == len(pattern):
                return None
            parts[-1].append(re.escape(pattern[at]))
            at += 1
        elif char == "[":
            piece, at = _bracket(pattern, at)
            parts[-1].append(piece if star == "." else f"(?!/){piece}")
        else:
            parts[-1].append(re.escape(char))
    return parts


def _bracket(pattern: str, start: int) -> tuple[Piece, int]:
    """Return the piece for a bracket whose content begins at `start`, and the position after it."""
    at = start
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    ranges: list[str] = []
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        named = _NAMED.match(pattern, at)
        if named is not None and named[1] in _CLASSES:
            ranges.append(_CLASSES[named[1]])
            at = named.end()
            continue
        low, at = _member(pattern, at)
        if low == "":
            return re.escape("["), start
        high = low
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("]", ""):
            high, at = _member(pattern, at + 1)
            if high == "":
                return re.escape("["), start
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    if not ranges:
        return ("." if negated else _NEVER), at + 1
    return f"[{'^' if negated else ''}{''.join(ranges)}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    """Return one character of a bracket; empty at the end of the pattern."""
    if pattern[at : at + 1] == "\\":
        at += 1
    return pattern[at : at + 1], at + 1
