"""Parsers of passwd and group files: from bytes to entries by number."""

from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.model.event import as_text

_MAX_TEXT: Final = 256
"""Most bytes of a stored text; longer ones are truncated, because a container writes arbitrary text."""


class PasswdEntry(msgspec.Struct, frozen=True):
    """A line of passwd."""

    name: str
    home: str
    shell: str


def parse_users(content: bytes, limit: int) -> dict[int, PasswdEntry]:
    """Return users by uid, at most `limit`; the first line of a uid counts, malformed lines are skipped."""
    found: dict[int, PasswdEntry] = {}
    for name, number, fields in _entries(content, 7):
        if number not in found and len(found) < limit:
            found[number] = PasswdEntry(name, _text(fields[5]), _text(fields[6]))
    return found


def parse_groups(content: bytes, limit: int) -> dict[int, str]:
    """Return group names by gid, by the same rules as users."""
    found: dict[int, str] = {}
    for name, number, _ in _entries(content, 4):
        if number not in found and len(found) < limit:
            found[number] = name
    return found


def _entries(content: bytes, count: int) -> Iterator[tuple[str, int, list[bytes]]]:
    """Yield (name, number, fields) of every line with at least `count` fields, the third of which is a number of 32
    bits."""
    for line in content.split(b"\n"):
        fields = line.split(b":")
        if len(fields) < count or not fields[0] or line.startswith(b"#"):
            continue
        digits = fields[2]
        if 0 < len(digits) <= 10 and digits.isdigit() and (number := int(digits)) < 1 << 32:
            yield _text(fields[0]), number, fields


def _text(raw: bytes) -> str:
    return as_text(raw[:_MAX_TEXT])
