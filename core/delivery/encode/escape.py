"""JSON escapes of control, bidirectional and zero-width characters: hostile text becomes one line of valid UTF-8."""

import re
from typing import Final

import orjson

from mozu.core.common.control_chars import OBEYED, spelled
from mozu.core.model.event import printable

_LEFT_BY_JSON: Final = re.compile(f"[{OBEYED}]")


def harmless(text: str) -> str:
    """Replace what JSON leaves alone and no reader sees by `\\uxxxx`; the text is JSON or JSON-escaped already."""
    return text if text.isascii() and "\x7f" not in text else _LEFT_BY_JSON.sub(spelled, text)


def escaped(text: str) -> str:
    """JSON's escapes without its quotes; bytes that are not UTF-8 become U+FFFD."""
    return harmless(orjson.dumps(printable(text))[1:-1].decode())
