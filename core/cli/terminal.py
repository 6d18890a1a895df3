"""Text for terminals: tables that fit, control characters and escape sequences made harmless."""

import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from mozu.core.common.control_chars import OBEYED
from mozu.core.errors import (
    CannotEncode,
    DeadlineExceeded,
    MozuError,
    PluginError,
    SinkClosed,
    SourceBroken,
    SourceUnavailable,
)
from mozu.core.isolation.texts import without_secrets

_ONE_LINE: Final = (CannotEncode, DeadlineExceeded, PluginError, SinkClosed, SourceBroken, SourceUnavailable)
"""Errors of one sentence, which may contain a plugin's text."""
_MIN_LAST: Final = 30
_UNSEEN: Final = re.compile(f"[\x00-\x1f{OBEYED}\ud800-\udfff]")
"""Characters that no sink shows as they are, and bytes that are not UTF-8 (lone surrogates)."""
_UNSEEN_IN_LINES: Final = re.compile(f"[\x00-\x09\x0b-\x1f{OBEYED}\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(text: str, *, keep_lines: bool = False) -> str:
    """Return the text with all terminal control characters escaped; line feeds stay if `keep_lines`."""
    return (_UNSEEN_IN_LINES if keep_lines else _UNSEEN).sub(_escape, text)


def error_text(error: MozuError) -> str:
    """Return the text of an error, with secrets of settings as stars. Line feeds stay in errors that have several
    lines; in others only a plugin's text can have brought them, and they are escaped."""
    return safe(without_secrets(str(error)), keep_lines=not isinstance(error, _ONE_LINE))


def columns(text: str) -> int:
    """Return the number of terminal columns of a text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def use_colours(choice: str = "auto") -> bool:
    """Return True if output is coloured: `always`, or `auto` on a terminal unless NO_COLOR is set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns of the terminal; 0 if the output is no terminal, so that lines may have any length."""
    import shutil  # and with it what unpacks archives, for commands that print tables

    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 0


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], limit: int = 0) -> str:
    """Return columns side by side under their heads. Beyond `limit` columns the last one is wrapped; 0: no limit."""
    cells = [list(heads), *([safe(cell) for cell in row] for row in rows)]
    widths = [max(columns(row[number]) for row in cells) for number in range(len(heads))]
    last = max(limit - sum(widths[:-1]) - 2 * (len(heads) - 1), _MIN_LAST) if limit else 0
    lines: list[str] = []
    for row in cells:
        first, *others = _wrapped(row[-1], last)
        before = "".join(cell + " " * (size - columns(cell) + 2) for cell, size in zip(row, widths[:-1], strict=False))
        lines.append((before + first).rstrip())
        lines.extend(" " * columns(before) + other for other in others)
    return "\n".join(lines)


def _wrapped(text: str, size: int) -> list[str]:
    return (textwrap.wrap(text, size, break_on_hyphens=False) if size else [text]) or [""]


def paragraph(text: str, limit: int = 0, indent: str = "") -> str:
    """Return a text wrapped to `limit` columns."""
    text = safe(text)
    size = limit or 10**6
    return textwrap.fill(text, size, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
