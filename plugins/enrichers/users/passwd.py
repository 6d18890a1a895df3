"""Parses passwd and group files: bytes in, entries by number out."""

from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.model.event import as_text

_MAX_TEXT: Final = 256
"""Bytes of a text that is kept; longer ones are truncated: a container writes arbitrary text."""


class PasswdEntry(msgspec.Struct, frozen=True):
    """One line of passwd."""

    name: str
    home: str
    shell: str


def parse_users(content: bytes, limit: int) -> dict[int, PasswdEntry]:
    """uid → user, at most `limit` of them; the first line of a uid counts, lines that are malformed are skipped."""
    found: dict[int, PasswdEntry] = {}
    for name, number, fields in _entries(content, 7):
        if number not in found and len(found) < limit:
            found[number] = PasswdEntry(name, _text(fields[5]), _text(fields[6]))
    return found


def parse_groups(content: bytes, limit: int) -> dict[int, str]:
    """gid → name, by the same rules."""
    found: dict[int, str] = {}
    for name, number, _ in _entries(content, 4):
        if number not in found and len(found) < limit:
            found[number] = name
    return found


def _entries(content: bytes, count: int) -> Iterator[tuple[str, int, list[bytes]]]:
    """(name, number, fields) of every line with at least `count` fields, the third of which is a number of 32 bits."""
    for line in content.split(b"\n"):
        fields = line.split(b":")
        if len(fields) < count or not fields[0] or line.startswith(b"#"):
            continue
        digits = fields[2]
        if 0 < len(digits) <= 10 and digits.isdigit() and (number := int(digits)) < 1 << 32:
            yield _text(fields[0]), number, fields


def _text(raw: bytes) -> str:
    return as_text(raw[:_MAX_TEXT])
