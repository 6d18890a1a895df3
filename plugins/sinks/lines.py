"""One record, one line, whatever an encoder lets through."""

import re
from typing import Final

_CONTROL_BYTES: Final = re.compile(rb"[\x00-\x1f\x7f]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""C0, DEL, C1 and the line ends of Unicode."""


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def visible(text: str) -> str:
    """Text with its control characters as `\\u00xx`."""
    return _CONTROL.sub(_code, text)


def one_line(body: bytes) -> bytes:
    """Valid UTF-8 without control characters; what the built-in encoders make comes back as it is."""
    if body.isascii() and not _CONTROL_BYTES.search(body):
        return body
    return visible(body.decode("utf-8", "replace")).encode()


def cut(body: bytes, most: int) -> bytes:
    """At most `most` bytes, cut between two characters and with a mark that says how much is missing."""
    if len(body) <= most:
        return body
    room = max(0, most - len(_mark(len(body))))
    while room and body[room] & 0xC0 == 0x80:
        room -= 1
    return body[:room] + _mark(len(body) - room)


def _mark(missing: int) -> bytes:
    return b"...[cut %d bytes]" % missing
