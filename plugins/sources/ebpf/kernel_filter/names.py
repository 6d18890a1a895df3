"""Tests of a normalized path, as bpf/kernel_filter.h finds it.

Every function returns the condition on the name that a constant requires.
"""

import re
from collections.abc import Iterable
from typing import Final

from mozu.core.filter.formula import FALSE, TRUE, Formula, all_of
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    ByteHint,
    BytesCheck,
    Check,
    NamePart,
    NumberCheck,
    SearchCheck,
    Subject,
    replaced,
)

_SPECIAL: Final = re.compile(r"[*?\[\]\\{}]")
_IN_DIRECTORY: Final = re.compile(r"((?:/[A-Za-z0-9_-]+)*)/\[\^/\]\+")
_SEARCHED: Final = 16
"""Most bytes of a text that is searched for."""
_COMMON: Final = "/esrilbtoanucpd.mh-gfxv1"
"""Frequent bytes of paths, the most frequent first."""


def usable(values: Iterable[str]) -> bool:
    """Return True if these constants can be compared byte by byte."""
    return all(value.isascii() and "\0" not in value and len(value) < 250 for value in values)


def equal(value: str) -> Formula:
    """Return the test for the whole name."""
    return _bytes(NamePart.START, value.encode() + b"\0")


def begins(value: str) -> Formula:
    """Return the test for the name's beginning."""
    return _bytes(NamePart.START, value.encode())


def ends(value: str) -> Formula:
    """Return the test for the name's end."""
    if not value:
        return TRUE
    return all_of((_of_name("length", ">=", len(value)), BytesCheck(NamePart.END, len(value), value.encode())))


def contains(value: str) -> Formula:
    """Return the test for any part of the name."""
    if value == "../":
        return _of_name("climbs", "!=", 0)
    if value == "/.":
        return _of_name("hidden", "!=", 0)
    return SearchCheck(value.encode()[:_SEARCHED]) if value else TRUE


def with_byte_hints(wanted: Formula) -> Formula:
    """Return the formula in which a text is searched only if its rarest byte occurs, and a hidden file only in a path
    with one."""
    used: set[str] = set()

    def first_a_byte(check: Check) -> Formula:
        if not isinstance(check, SearchCheck):
            return check
        text = check.text.decode()
        if "/." in text:
            return all_of((NumberCheck(check.about, "hidden", "!=", 0), check))
        rarest = max(text, key=lambda byte: (byte in used, byte not in _COMMON, _COMMON.find(byte)))
        used.add(rarest)
        return all_of((ByteHint(ord(rarest), check.about), check))

    return replaced(wanted, first_a_byte)


def directory_is(value: str) -> Formula:
    """Return the test for the part before the last slash."""
    if value == "/":
        return _of_name("slash", "==", 0)
    if not value.startswith("/") or value.endswith("/"):
        return FALSE
    return all_of((_of_name("slash", "==", len(value)), begins(value)))


def filename_is(value: str) -> Formula:
    """Return the test for the part after the last slash."""
    return _bytes(NamePart.FILE, value.encode() + b"\0")


def filename_begins(value: str) -> Formula:
    """Return the test for the beginning of the part after the last slash."""
    return _bytes(NamePart.FILE, value.encode())


def like(pattern: str) -> Formula:
    """Return the test for a shell pattern, by the texts before, between and after its special characters."""
    if not _SPECIAL.search(pattern):
        return equal(pattern)
    if re.search(r"[\[\]\\{}]", pattern):
        return begins(_SPECIAL.split(pattern)[0])
    first, *middle, last = re.split(r"[*?]+", pattern)
    return all_of((begins(first), ends(last), contains(max(middle, key=len, default=""))))


def matching(pattern: str) -> Formula:
    """Return the test for a regular expression; only if it means any file of one directory, such as `/etc/[^/]+`."""
    found = _IN_DIRECTORY.fullmatch(pattern)
    return directory_is(found[1] or "/") if found else TRUE


def below(path: str) -> Formula:
    """Return the test for a path or anything below it; components may be patterns."""
    return begins(_SPECIAL.split("/" + path.strip("/"))[0] if "//" not in path else "/")


def _bytes(part: NamePart, value: bytes) -> Formula:
    return BytesCheck(part, 0, value) if value else TRUE


def _of_name(member: str, relation: str, constant: int) -> Formula:
    return NumberCheck(Subject.NAME, member, relation, constant)
