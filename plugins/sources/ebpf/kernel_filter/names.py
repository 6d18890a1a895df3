"""Tests of a plain path, as bpf/kernel_filter.h finds it, by words of eight bytes.

Every function gives what must hold of the name for a constant to fit.
"""

import re
from collections.abc import Iterable
from typing import Final

from mozu.core.filter.formula import FALSE, TRUE, Formula, all_of
from mozu.plugins.sources.ebpf.kernel_filter.check import Check, replaced

_WORD: Final = 8
_SPECIAL: Final = re.compile(r"[*?\[\]\\{}]")
_SEARCH: Final = 60
"""What it costs to look for a text everywhere, in comparisons."""
_BEHIND_SLASH: Final = 4
"""So many words behind the last slash are at hand."""
_COMMON: Final = "/esrilbtoanucpd.mh-gfxv1"
"""Bytes that paths are full of, the commonest first."""
_HINTED: Final = 4
"""So many bytes are looked for while the path is read."""


def usable(values: Iterable[str]) -> bool:
    """Whether these constants can be compared byte by byte."""
    return all(value.isascii() and "\0" not in value and len(value) < 250 for value in values)


def equal(value: str) -> Formula:
    """The whole name."""
    return _words(value.encode() + b"\0", "g->word[{index}]")


def begins(value: str) -> Formula:
    """Its beginning."""
    return _words(value.encode(), "g->word[{index}]")


def ends(value: str) -> Formula:
    """Its end."""
    size = len(value)
    long_enough: Formula = Check(f"g->length >= {size}", of_name=True) if size else TRUE
    return all_of((long_enough, _words(value.encode(), f"from_end(g, {size}, {{offset}})", 3)))


def contains(value: str) -> Formula:
    """Any part; only its first sixteen bytes are looked for."""
    if value == "../":
        return Check("g->climbs", of_name=True)
    if not value:
        return TRUE
    first, second = value.encode()[:_WORD], value.encode()[_WORD : 2 * _WORD]
    code = f"is_in_name(g, {_number(first)}, {_mask(len(first))}, {_number(second)}, {_mask(len(second))})"
    return Check(code, _SEARCH, of_name=True, text=value)


def with_byte_hints(wanted: Formula) -> tuple[Formula, list[int]]:
    """The same, where a text is searched only if its rarest byte occurs; and those bytes, in order."""
    bytes_: list[str] = []

    def first_a_byte(check: Check) -> Formula:
        if not check.text:
            return check
        rarest = max(check.text, key=lambda byte: (byte in bytes_, byte not in _COMMON, _COMMON.find(byte)))
        if rarest not in bytes_ and len(bytes_) < _HINTED:
            bytes_.append(rarest)
        return all_of((Check(f"g->has[{bytes_.index(rarest)}]", of_name=True), check)) if rarest in bytes_ else check

    return replaced(wanted, first_a_byte), [ord(byte) for byte in bytes_]


def directory_is(value: str) -> Formula:
    """What stands before the last slash."""
    if value == "/":
        return Check("g->slash == 0", of_name=True)
    if not value.startswith("/") or value.endswith("/"):
        return FALSE
    return all_of((Check(f"g->slash == {len(value)}", of_name=True), begins(value)))


def filename_is(value: str) -> Formula:
    """What stands after the last slash."""
    return _behind_slash(value.encode() + b"\0")


def filename_begins(value: str) -> Formula:
    """The beginning of that."""
    return _behind_slash(value.encode())


def like(pattern: str) -> Formula:
    """A shell pattern: what stands before, between and after its special characters."""
    if not _SPECIAL.search(pattern):
        return equal(pattern)
    if re.search(r"[\[\]\\{}]", pattern):
        return begins(_SPECIAL.split(pattern)[0])
    first, *middle, last = re.split(r"[*?]+", pattern)
    return all_of((begins(first), ends(last), contains(max(middle, key=len, default=""))))


def below(path: str) -> Formula:
    """One path or anything below it; components may be patterns."""
    return begins(_SPECIAL.split("/" + path.strip("/"))[0] if "//" not in path else "/")


def _behind_slash(wanted: bytes) -> Formula:
    """What begins there."""
    near, far = wanted[: _BEHIND_SLASH * _WORD], wanted[_BEHIND_SLASH * _WORD :]
    return all_of((_words(near, "g->file[{index}]"), _words(far, f"after_slash(g, {len(near)} + {{offset}})", 3)))


def _words(wanted: bytes, place: str, price: int = 1) -> Formula:
    """Bytes from a place on, eight at a time."""
    checks: list[Formula] = []
    for offset in range(0, len(wanted), _WORD):
        part = wanted[offset : offset + _WORD]
        word = place.format(index=offset // _WORD, offset=offset)
        kept = word if len(part) == _WORD else f"({word} & {_mask(len(part))})"
        code = f"{kept} == {_number(part)}"
        checks.append(Check(code, price, of_name=True))
    return all_of(checks)


def _number(part: bytes) -> str:
    return f"{int.from_bytes(part, 'little'):#x}ull"


def _mask(size: int) -> str:
    return f"{(1 << size * 8) - 1:#x}ull"
