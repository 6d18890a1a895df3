"""Textual expansion of lists, before a condition is parsed, at each occurrence of their name between delimiters.

The language defines it so: quotes are ignored, later lists are expanded after earlier ones, so that a reference to a
later list works to any depth and one to an earlier list inside a list works one level deep.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.exceptions import quoted
from mozu.core.language.rules.list_files import line_of
from mozu.core.language.rules.problem import ProblemContext, refusal
from mozu.core.language.rules.store import ListInfo

MOST: Final = 1 << 20
"""Maximum characters of a condition with lists expanded, besides lists from files: fifty times the largest of public
rule sets, and small enough that nested lists end as an error instead of filling the memory.
"""
_USES: Final = 8
"""Number of times that a condition may contain the lists from files, whose sizes are bounded already."""
_BLANKS: Final = frozenset(" \t\r\n")
_DELIMITERS: Final = _BLANKS | frozenset("(),=")
_WORD: Final = re.compile(r"[^ \t\r\n(),=]+")

Edit = tuple[int, int, str]
"""(start, end, replacement of the characters between them)."""


class TooLong(Exception):
    """Raised for a text beyond the maximum: while the list of this name was expanded, or without expansion (no
    name)."""


class Lists:
    """The lists of a store, ready for expansion. `used` collects the names of expanded lists."""

    def __init__(self, lists: Mapping[str, ListInfo]) -> None:
        self.used: set[str] = set()
        self._joined: list[tuple[str, str]] = []
        self._words: dict[str, frozenset[str]] = {}
        self.compiled: dict[str, tuple[str, ...]] = {}
        """List → items, including those of nested lists."""
        self.inner: dict[str, frozenset[str]] = {}
        """List → lists in it."""
        self._files = {info.name: info.files for info in lists.values() if info.files}
        self.most = MOST + _USES * sum(len(item) + 2 for name in self._files for item in lists[name].items)
        """Maximum characters of a condition with these lists expanded."""
        for info in sorted(lists.values(), key=lambda info: info.index):
            items = self._items(info, lists)
            self.compiled[info.name] = tuple(items)
            joined = ", ".join(quoted(item) for item in items)
            self._joined.append((info.name, joined))
            self._words[info.name] = frozenset(_WORD.findall(joined))
        self.names = frozenset(self.compiled)
        self._odd = frozenset(name for name, _ in self._joined if not _WORD.fullmatch(name))

    def _items(self, info: ListInfo, lists: Mapping[str, ListInfo]) -> list[str]:
        """Return the items; the name of a list visible here is replaced by the items of that list."""
        items: list[str] = []
        inner: set[str] = set()
        length = 0
        for item in info.items:
            other = lists.get(item)
            if other is not None and other.index < info.visibility:
                inner.add(item)
                items.extend(other.items)
                length += sum(map(len, other.items))
            else:
                items.append(item)
                length += len(item)
            if length > self.most:
                message = f"the list `{info.name}` grows beyond {self.most:,} characters through the lists in it"
                raise refusal(Code.LOAD_ERR_VALIDATE, message, info.context)
        self.used |= inner
        self.inner[info.name] = frozenset(inner)
        return items

    def fill(self, text: str) -> tuple[str, frozenset[str]]:
        """Return the text with every list expanded, and the names of those lists. Raises TooLong."""
        text, steps = self._filled(text)
        return text, frozenset(name for name, _ in steps)

    def origin(self, text: str, offset: int) -> tuple[int, str]:
        """Return the offset in `text` that the character at `offset` of the expanded text comes from, and its list, if
        any."""
        return self.origins(text)(offset)

    def origins(self, text: str) -> Callable[[int], tuple[int, str]]:
        """Return a function from an offset of the expanded text to its origin, for many characters of one text."""
        steps = self._filled(text)[1]

        def origin(offset: int) -> tuple[int, str]:
            outer = ""
            for name, edits in reversed(steps):
                offset, inside = _before(offset, edits)
                outer = name if inside else outer
            return offset, outer

        return origin

    def in_file(self, name: str, item: str) -> tuple[ProblemContext, int] | None:
        """Return the place of an item in the file that the list, or a list in it, takes items from; None if it has no
        such file."""
        for one in (name, *self.inner[name]):
            for content in self._files.get(one, ()):
                if (offset := line_of(content, item)) is not None:
                    return content, offset
        return None

    def _filled(self, text: str) -> tuple[str, list[tuple[str, list[Edit]]]]:
        """Return the expanded text, and the edits that produced it, list by list."""
        if len(text) > self.most:
            raise TooLong("")
        steps: list[tuple[str, list[Edit]]] = []
        words = set(_WORD.findall(text))
        for name, joined in self._joined:
            if name not in words and name not in self._odd:
                continue
            edits = _edits(text, name, joined)
            if edits:
                self.used.add(name)
                words |= self._words[name]
                if len(text) + len(edits) * (len(joined) + 2) > self.most:
                    raise TooLong(name)
                text = _applied(text, edits)
                steps.append((name, edits))
        return text, steps


def _edits(text: str, name: str, joined: str) -> list[Edit]:
    """Return each occurrence of the name between delimiters, with adjoining blanks (and a comma, for an empty list)."""
    edits: list[Edit] = []
    floor, at = 0, text.find(name)
    while at >= 0:
        end = at + len(name)
        if not _delimited(text, at - 1) or not _delimited(text, end):
            at = text.find(name, at + 1)
            continue
        start = at
        while start > floor and text[start - 1] in _BLANKS:
            start -= 1
        while end < len(text) and text[end] in _BLANKS:
            end += 1
        if not joined and start > floor and text[start - 1] == ",":
            start -= 1
        elif not joined and text[end : end + 1] == ",":
            end += 1
        edits.append((start, end, f" {joined} " if start else f"{joined} "))
        floor = end
        at = text.find(name, end)
    return edits


def _delimited(text: str, at: int) -> bool:
    return at < 0 or at >= len(text) or text[at] in _DELIMITERS


def _applied(text: str, edits: list[Edit]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, new in edits:
        parts += (text[at:start], new)
        at = end
    return "".join(parts) + text[at:]


def _before(offset: int, edits: list[Edit]) -> tuple[int, bool]:
    """Return the offset before the edits for one after them; inside a replacement, the start of the replaced text."""
    shift = 0
    for start, end, new in edits:
        if offset < start + shift:
            break
        if offset < start + shift + len(new):
            return start, True
        shift += len(new) - (end - start)
    return offset - shift, False
