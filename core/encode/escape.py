"""Hostile text in harmless form: one line, valid UTF-8, no control characters."""

import re
from typing import Final

import orjson

from mozu.core.event import printable

_C1: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
"""DEL and the C1 controls, which terminals obey (U+009B opens an escape sequence), and the line ends of Unicode."""


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def harmless(text: str) -> str:
    """Replace what JSON leaves alone and terminals obey by `\\u00xx`; the text is JSON or JSON-escaped already."""
    return text if text.isascii() and "\x7f" not in text else _C1.sub(_code, text)


def escaped(text: str) -> str:
    """JSON's escapes without its quotes; bytes that are not UTF-8 become U+FFFD."""
    return harmless(orjson.dumps(printable(text))[1:-1].decode())
