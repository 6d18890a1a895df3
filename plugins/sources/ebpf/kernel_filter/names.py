"""Tests of a plain path, as bpf/kernel_filter.h finds it.

Every function gives what must hold of the name for a constant to fit.
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
"""Only so many bytes of a text are looked for."""
_COMMON: Final = "/esrilbtoanucpd.mh-gfxv1"
"""Bytes that paths are full of, the commonest first."""


def usable(values: Iterable[str]) -> bool:
    """Whether these constants can be compared byte by byte."""
    return all(value.isascii() and "\0" not in value and len(value) < 250 for value in values)


def equal(value: str) -> Formula:
    """The whole name."""
    return _bytes(NamePart.START, value.encode() + b"\0")


def begins(value: str) -> Formula:
    """Its beginning."""
    return _bytes(NamePart.START, value.encode())


def ends(value: str) -> Formula:
    """Its end."""
    if not value:
        return TRUE
    return all_of((_of_name("length", ">=", len(value)), BytesCheck(NamePart.END, len(value), value.encode())))


def contains(value: str) -> Formula:
    """Any part."""
    if value == "../":
        return _of_name("climbs", "!=", 0)
    if value == "/.":
        return _of_name("hidden", "!=", 0)
    return SearchCheck(value.encode()[:_SEARCHED]) if value else TRUE


def with_byte_hints(wanted: Formula) -> Formula:
    """The same, but a text is searched only if its rarest byte occurs; of a hidden file, only in a path with one."""
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
    """What stands before the last slash."""
    if value == "/":
        return _of_name("slash", "==", 0)
    if not value.startswith("/") or value.endswith("/"):
        return FALSE
    return all_of((_of_name("slash", "==", len(value)), begins(value)))


def filename_is(value: str) -> Formula:
    """What stands after the last slash."""
    return _bytes(NamePart.FILE, value.encode() + b"\0")


def filename_begins(value: str) -> Formula:
    """The beginning of that."""
    return _bytes(NamePart.FILE, value.encode())


def like(pattern: str) -> Formula:
    """A shell pattern: what stands before, between and after its special characters."""
    if not _SPECIAL.search(pattern):
        return equal(pattern)
    if re.search(r"[\[\]\\{}]", pattern):
        return begins(_SPECIAL.split(pattern)[0])
    first, *middle, last = re.split(r"[*?]+", pattern)
    return all_of((begins(first), ends(last), contains(max(middle, key=len, default=""))))


def matching(pattern: str) -> Formula:
    """A regular expression: tested only where it means any file of one directory, as `/etc/[^/]+` does."""
    found = _IN_DIRECTORY.fullmatch(pattern)
    return directory_is(found[1] or "/") if found else TRUE


def below(path: str) -> Formula:
    """One path or anything below it; components may be patterns."""
    return begins(_SPECIAL.split("/" + path.strip("/"))[0] if "//" not in path else "/")


def _bytes(part: NamePart, value: bytes) -> Formula:
    return BytesCheck(part, 0, value) if value else TRUE


def _of_name(member: str, relation: str, constant: int) -> Formula:
    return NumberCheck(Subject.NAME, member, relation, constant)
