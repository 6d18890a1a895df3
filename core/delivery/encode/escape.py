"""JSON escapes for control, bidirectional and zero-width characters: hostile text becomes one line of valid UTF-8."""

import re
from typing import Final

import orjson

from mozu.core.common.control_chars import OBEYED, spelled
from mozu.core.model.event import printable

_LEFT_BY_JSON: Final = re.compile(f"[{OBEYED}]")


def harmless(text: str) -> str:
    """Return JSON text with invisible characters, which JSON leaves as they are, replaced by `\\uxxxx`."""
    return text if text.isascii() and "\x7f" not in text else _LEFT_BY_JSON.sub(spelled, text)


def escaped(text: str) -> str:
    """Return the text with JSON's escapes and without its quotes; bytes that are not UTF-8 become U+FFFD."""
    return harmless(orjson.dumps(printable(text))[1:-1].decode())
