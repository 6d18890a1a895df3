"""Escapes control characters, truncates lines: text of an alert can neither make a record nor control a terminal."""

import re
from typing import Final

_CONTROL_BYTES: Final = re.compile(rb"[\x00-\x1f\x7f]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""C0, DEL, C1 and the line ends of Unicode."""


def escape_controls(text: str) -> str:
    """Text with its control characters as `\\u00xx`."""
    return _CONTROL.sub(_escape, text)


def single_line(body: bytes) -> bytes:
    """Valid UTF-8 without control characters; what the built-in encoders make is returned as it is."""
    if body.isascii() and not _CONTROL_BYTES.search(body):
        return body
    return escape_controls(body.decode("utf-8", "replace")).encode()


def truncate(body: bytes, limit: int) -> bytes:
    """At most `limit` bytes, cut between two characters and with a mark that says how much is missing."""
    if len(body) <= limit:
        return body
    room = max(0, limit - len(_mark(len(body))))
    while room and body[room] & 0xC0 == 0x80:
        room -= 1
    return body[:room] + _mark(len(body) - room)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _mark(missing: int) -> bytes:
    return b"...[cut %d bytes]" % missing
