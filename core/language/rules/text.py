"""Texts that know the place of each part in its file, through YAML's folding, appends and exceptions."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.tree import Scalar

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*")
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_BLANK_ESCAPES: Final = frozenset("abefnrt_ \n\tNLPv0")
"""Escapes for characters that count as blank here (or, before a line end, for no character)."""


class Piece(msgspec.Struct, frozen=True, eq=False):
    """A part as YAML returned it; `scalar` is None for text that the loader inserted between two parts."""

    text: str
    context: ProblemContext
    scalar: Scalar | None = None


class LocatedText(msgspec.Struct, frozen=True, eq=False):
    """Parts in order."""

    pieces: tuple[Piece, ...] = ()

    @property
    def value(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self.pieces)

    def then(self, other: "LocatedText") -> "LocatedText":
        """Join both, with one space between them."""
        if not other.pieces:
            return self
        return LocatedText((*self.pieces, Piece(" ", other.pieces[0].context), *other.pieces))

    def locate(self, index: int) -> tuple[ProblemContext, int]:
        """Return the context and the offset in its file of the character at `index` (of the last one, if past the
        end)."""
        for piece in self.pieces:
            if index < len(piece.text) or piece is self.pieces[-1]:
                break
            index -= len(piece.text)
        if piece.scalar is None:
            return piece.context, piece.context.offset
        return piece.context, file_offset(piece.context.source, piece.scalar, piece.text, index)


def file_offset(source: SourceFile, scalar: Scalar, text: str, index: int) -> int:
    """Return the offset in the file of the character `index` of a scalar's (possibly trimmed) text.

    Folding, trimming and indentation change only blanks; so the n-th character that is not blank is the same in both.
    """
    while index < len(text) and text[index].isspace():
        index += 1
    wanted = sum(1 for char in text[:index] if not char.isspace())
    last = scalar.offset
    for place in _visible(source.text, scalar):
        last = place
        if wanted == 0:
            break
        wanted -= 1
    return last


def _visible(text: str, scalar: Scalar) -> Iterator[int]:
    """Yield the offsets of characters in the scalar's value that are not blank."""
    match = _PROPERTIES.match(text, scalar.offset, scalar.end)
    at = scalar.offset if match is None else match.end()
    quote = text[at : at + 1]
    if quote in ("|", ">"):
        at = text.find("\n", at) + 1
        quote = ""
    elif quote in ('"', "'"):
        at += 1
    else:
        quote = ""
    while at < scalar.end:
        step, shown = _unit(text, at, quote)
        if shown:
            yield at
        at += step


def _unit(text: str, at: int, quote: str) -> tuple[int, bool]:
    """Return the length of the unit at `at`, and True if it is visible."""
    char = text[at]
    if quote == '"' and char == "\\":
        match = _ESCAPE.match(text, at)
        if match is None:
            return 1, False
        return match.end() - at, match.group()[1] not in _BLANK_ESCAPES
    if quote == "'" and text.startswith("''", at):
        return 2, True
    return 1, not char.isspace() and char != quote
