"""Functions of transformers. A missing argument makes the result missing; texts are str with surrogateescape."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from mozu.core.language.conditions.globs import lower
from mozu.core.model.event import as_bytes, as_text

_BASE64 = re.compile(rb"[A-Za-z0-9+/]*")


def upper(text: str) -> str:
    """Convert ASCII letters to upper case; leave every other byte unchanged."""
    return text.upper() if text.isascii() else as_text(as_bytes(text).upper())


def basename(text: str) -> str:
    """Return the text after the last slash."""
    return text.rpartition("/")[2]


def decode(value: str | bytes) -> str | bytes | None:
    """Decode base64, with or without padding; None if it is malformed, or has non-zero bits left over."""
    raw = (as_bytes(value) if isinstance(value, str) else value).rstrip(b"=")
    if not _BASE64.fullmatch(raw) or len(raw) % 4 == 1:
        return None
    try:
        decoded = base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return None
    if base64.b64encode(decoded).rstrip(b"=") != raw:
        return None
    return as_text(decoded) if isinstance(value, str) else decoded


def length(value: str | bytes | tuple[Any, ...] | None) -> int | None:
    """Return the number of bytes of a text (up to a NUL) or of bytes, or of elements of a list."""
    if isinstance(value, str):
        text = value.partition("\0")[0] if "\0" in value else value
        return len(text) if text.isascii() else len(as_bytes(text))
    return None if value is None else len(value)


def join(separator: str | None, items: Sequence[str] | None) -> str | None:
    """Join the elements with the separator between them."""
    return None if separator is None or items is None else separator.join(items)


def concat(*texts: str | None) -> str | None:
    """Concatenate all texts."""
    return None if None in texts else "".join(texts)  # type: ignore[arg-type]


def gather(*items: str | None) -> tuple[str | None, ...] | None:
    """Return the value of a literal list."""
    return None if None in items else items


def getopt(words: Sequence[str] | None, options: str | None) -> tuple[str, ...] | None:
    """Return every option found, each followed by its value if it takes one; `?` for an unknown option."""
    if words is None or options is None:
        return None
    found: list[str] = []
    for letter, value in _scan(words, options):
        if letter is None or value is None:
            found.append(letter or "?")
        else:
            found.extend(("",) if value == _LACKING else (letter, value))
    return tuple(found)


def getopt_one(letter: str, words: Sequence[str] | None, options: str | None) -> str | None:
    """Return the last result for one option: its value, or the option if it takes none; empty if the value is
    missing."""
    if words is None or options is None:
        return None
    result = None
    for found, value in _scan(words, options):
        if found == letter:
            result = "" if value == _LACKING else letter if value is None else value
    return result


_LACKING: Final = "\0"
"""Placeholder for a required value that is missing; no word contains a NUL."""


def _scan(words: Sequence[str], options: str) -> list[tuple[str | None, str | None]]:
    """Return pairs (letter, or None if unknown; value, or None if it takes none)."""
    found: list[tuple[str | None, str | None]] = []
    waiting = iter(words)
    for word in waiting:
        if word in ("", "-", "--") or not word.startswith("-"):
            break
        if word.startswith("--"):
            continue
        for at, letter in enumerate(word[1:], 2):
            place = -1 if letter == ":" else options.find(letter)
            if place == -1:
                found.append((None, None))
            elif options[place + 1 : place + 2] == ":":
                found.append((letter, word[at:] or next(waiting, _LACKING)))
                break
            else:
                found.append((letter, None))
    return found


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply to a value, or to each element of a list; a missing value stays missing."""

    def apply(value: Any) -> Any:
        if isinstance(value, tuple):
            results = tuple(function(item) for item in value)
            return None if None in results else results
        return None if value is None else function(value)

    return apply


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "tolower": _each(lower),
    "toupper": _each(upper),
    "basename": _each(basename),
    "b64": _each(decode),
    "len": length,
    "join": join,
    "concat": concat,
    "getopt": getopt,
    "()": gather,
}


def function(name: str, selector: str | None = None) -> Callable[..., Any]:
    """Return the function of a transformer; `()` is the name of a literal list."""
    return partial(getopt_one, selector) if selector is not None else _FUNCTIONS[name]
