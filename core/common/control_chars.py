"""Escapes of control, bidirectional and zero-width characters, and truncation of lines: an alert's text can neither
make a record nor control a terminal, and a reader sees all of it in its order."""

import re
from typing import Final

from mozu.core.model.event import printable

_CONTROL_BYTES: Final = re.compile(rb"[\x00-\x1f\x7f]")
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that reorder the text after them."""
_ZERO_WIDTH: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters that show nothing: texts that differ in them look the same (Default_Ignorable_Code_Point, without the
first variation selectors, which only choose between two shapes of one character)."""
OBEYED: Final = f"\x7f-\x9f\u2028\u2029{_BIDI}{_ZERO_WIDTH}"
"""Characters that JSON leaves unchanged: DEL and the C1 controls, which terminals obey (U+009B opens an escape
sequence), the line ends of Unicode, and the two above. For the inside of the brackets of a regular expression."""
UNSEEN: Final = re.compile(f"[\x00-\x1f{OBEYED}]")
"""Pattern of every control, and every mark that reorders or hides text."""


def visible(text: str) -> str:
    """Return valid UTF-8 in which every character that no reader would see is spelled `\\uxxxx`: the one function
    of all sinks, for formats without an escape of their own. A text that already contains such an escape reads the
    same."""
    return UNSEEN.sub(spelled, printable(text))


def spelled(match: re.Match[str]) -> str:
    """Return JSON's escape of one character, two of them beyond the first plane."""
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def single_line(body: bytes) -> bytes:
    """Return valid UTF-8 that is `visible`; what the built-in encoders make is returned unchanged."""
    if body.isascii() and not _CONTROL_BYTES.search(body):
        return body
    return visible(body.decode("utf-8", "replace")).encode()


def truncate(body: bytes, limit: int) -> bytes:
    """Return at most `limit` bytes, cut between two characters and with a mark that says how much is missing."""
    if len(body) <= limit:
        return body
    room = max(0, limit - len(_mark(len(body))))
    while room and body[room] & 0xC0 == 0x80:
        room -= 1
    return body[:room] + _mark(len(body) - room)


def _mark(missing: int) -> bytes:
    return b"...[cut %d bytes]" % missing
