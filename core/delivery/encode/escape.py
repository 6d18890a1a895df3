"""Escaping of control characters and bidirectional marks: hostile text becomes one line of valid UTF-8."""

import re
from typing import Final

import orjson

from mozu.core.model.event import printable

_OBEYED: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""DEL and the C1 controls, which terminals obey (U+009B opens an escape sequence), the line ends of Unicode, and the
marks that reorder what follows them."""
_LEFT_BY_JSON: Final = re.compile(f"[{_OBEYED}]")
UNSEEN: Final = re.compile(f"[\x00-\x1f{_OBEYED}]")
"""Every control, and every mark that reorders text."""


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def harmless(text: str) -> str:
    """Replace what JSON leaves alone and terminals obey by `\\uxxxx`; the text is JSON or JSON-escaped already."""
    return text if text.isascii() and "\x7f" not in text else _LEFT_BY_JSON.sub(_code, text)


def escaped(text: str) -> str:
    """JSON's escapes without its quotes; bytes that are not UTF-8 become U+FFFD."""
    return harmless(orjson.dumps(printable(text))[1:-1].decode())


def visible(text: str) -> str:
    """Valid UTF-8 in which every control and every mark that reorders text is spelled `\\uxxxx`; for formats without
    an escape of their own for them. Reads the same as a text that has these characters already."""
    return UNSEEN.sub(_code, printable(text))
