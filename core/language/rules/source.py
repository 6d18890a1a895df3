"""The text of one rules file: conversion of offsets to lines, and a line with a caret under a place in it."""

from bisect import bisect_right
from functools import cached_property

_WIDTH = 80
"""Characters that a snippet shows on each side of its place."""


class SourceFile:
    """A rules file as text. `name` is the path as given."""

    __slots__ = ("__dict__", "name", "text")

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 0, of the character at `offset`."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and column; for places past the end, the end."""
        if line >= len(self._starts):
            return len(self.text)
        return min(self._starts[line] + column, len(self.text))

    def snippet(self, offset: int) -> str:
        """Return the line that contains the character, and a line with a caret under it."""
        return snippet(self.text, offset)


def snippet(text: str, offset: int) -> str:
    """Return the line of `text` around `offset`, clipped on both sides, and a line with a caret under the place."""
    offset = min(offset, len(text))
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    left, right = max(begin, offset - _WIDTH), min(end, offset + _WIDTH)
    before = ("..." if left > begin else "") + text[left:offset]
    after = text[offset:right] + ("..." if right < end else "")
    return f"{_flat(before)}{_flat(after)}\n{' ' * len(before)}^"


def _flat(text: str) -> str:
    """Return one printable column per character, so that the caret is aligned and no text controls the terminal."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text.rstrip("\r"))
