"""BTF of the running kernel: offsets of struct members from /sys/kernel/btf/vmlinux.

BTF is one blob: a header, a section of type records (32-bit words) and a section of NUL-terminated names. A record is
three words (name, info, size or type) and, by kind, more words. One pass notes the place of each record and the records
with a wanted name; everything else is read on request. Format: the kernel's Documentation/bpf/btf.rst.
"""

import re
import struct
from array import array
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.api import SourceUnavailable

BTF_FILE: Final = Path("/sys/kernel/btf/vmlinux")

_INT, _PTR, _ARRAY, _STRUCT, _UNION, _ENUM, _TYPEDEF, _VOLATILE, _CONST, _RESTRICT = 1, 2, 3, 4, 5, 6, 8, 9, 10, 11
_FUNC, _FUNC_PROTO, _VAR, _DATASEC, _DECL_TAG, _TYPE_TAG, _ENUM64 = 12, 13, 14, 15, 17, 18, 19
_AGGREGATES: Final = frozenset({_STRUCT, _UNION})
_NAMED: Final = frozenset({_STRUCT, _UNION, _ENUM, _ENUM64})
_TRANSPARENT: Final = frozenset({_TYPEDEF, _VOLATILE, _CONST, _RESTRICT, _TYPE_TAG})
_FIXED: Final = {_INT: 1, _ARRAY: 3, _VAR: 1, _DECL_TAG: 1}
"""Number of words after the first three, by kind."""
_EACH: Final = {_STRUCT: 3, _UNION: 3, _ENUM: 2, _FUNC_PROTO: 2, _DATASEC: 3, _ENUM64: 3}
"""Number of words for each of the `vlen` elements, by kind."""

_STEP: Final = re.compile(r"\[(\w+)\]|\.(\w+)")
"""A step of a path: `[index]` or `.member`."""


class Member(NamedTuple):
    """Place of a member."""

    type_id: int
    bit: int
    """Offset in bits."""
    bits: int
    """Width of a bit field; 0 for other members."""


class _Lengths(dict[int, int]):
    """Number of words of a record, by its second word."""

    def __missing__(self, info: int) -> int:
        kind = info >> 24 & 31
        self[info] = words = 3 + _FIXED.get(kind, 0) + (info & 0xFFFF) * _EACH.get(kind, 0)
        return words


class Btf:
    """Types of one blob; only structs and enumerations in `names`, and functions in `functions`, can be looked up."""

    def __init__(self, blob: bytes, names: Iterable[str], functions: Iterable[str] = ()) -> None:
        magic, _, _, header, type_at, type_length, text_at, text_length = struct.unpack_from("<HBBIIIII", blob)
        if magic != 0xEB9F:
            raise ValueError(f"BTF begins with 0xeb9f, found {magic:#x}")
        self._text = blob[header + text_at : header + text_at + text_length]
        self._words = memoryview(blob)[header + type_at : header + type_at + type_length].cast("I")
        self._at = array("I", [0])
        """Place of each record, by number, in words of the section of types."""
        named, called = self._offsets(names), self._offsets(functions)
        self._named: dict[str, int] = {}
        self._functions: dict[str, int] = {}
        for number in self._scan(named.keys() | called.keys()):
            at = self._at[number]
            name, kind = self._words[at], self._words[at + 1] >> 24 & 31
            if kind in _NAMED and name in named:
                self._named.setdefault(named[name], number)
            elif kind == _FUNC and name in called:
                self._functions[called[name]] = number

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def _offsets(self, names: Iterable[str]) -> dict[int, str]:
        """Return the existing names by their offsets among the texts, each of which is stored once."""
        places = {self._text.find(b"\0" + name.encode() + b"\0") + 1: name for name in names}
        places.pop(0, None)
        return places

    def _scan(self, wanted: Collection[int]) -> list[int]:
        """Note the places of all records; return the numbers of those with a name at one of these offsets.

        A kernel has 130,000 records, so nothing else is done here for each of them.
        """
        words, places, lengths = self._words, self._at, _Lengths()
        at, end, found = 0, len(words), []
        while at < end:
            if words[at] in wanted:
                found.append(len(places))
            places.append(at)
            at += lengths[words[at + 1]]
        return found

    def _name(self, offset: int) -> str:
        return self._text[offset : self._text.index(b"\0", offset)].decode()

    def _label(self, type_id: int) -> str:
        return self._name(self._words[self._at[type_id]])

    def _bare(self, type_id: int) -> tuple[int, int, int]:
        """Return kind, id and size of a type without its typedefs and qualifiers."""
        while True:
            at = self._at[type_id]
            kind = self._words[at + 1] >> 24 & 31
            if kind not in _TRANSPARENT:
                return kind, type_id, 8 if kind == _PTR else self._words[at + 2]
            type_id = self._words[at + 2]

    def identity(self, name: str) -> int:
        """Return the number of a struct or enumeration."""
        return self._named[name]

    def function(self, name: str) -> int | None:
        """Return the number of a function; None if this kernel has none of that name."""
        return self._functions.get(name)

    def parameters(self, name: str) -> tuple[str, ...] | None:
        """Return the names of a function's parameters; None if this kernel has none of that name."""
        if name not in self._functions:
            return None
        at = self._at[self._words[self._at[self._functions[name]] + 2]]
        count = self._words[at + 1] & 0xFFFF
        return tuple(self._name(self._words[element]) for element in range(at + 3, at + 3 + 2 * count, 2))

    def size(self, name: str) -> int:
        """Return the size of a struct in bytes."""
        return self._words[self._at[self._named[name]] + 2]

    def members(self, name: str) -> dict[str, Member]:
        """Return all named members, including those of anonymous structs and unions."""
        found: dict[str, Member] = {}
        for label, member in self._walk(self._named[name], 0):
            found.setdefault(label, member)
        return found

    def _walk(self, type_id: int, base: int) -> Iterator[tuple[str, Member]]:
        at = self._at[type_id]
        info = self._words[at + 1]
        for element in range(at + 3, at + 3 + 3 * (info & 0xFFFF), 3):
            name, inner, where = self._words[element : element + 3]
            bits, where = (where >> 24, where & 0xFFFFFF) if info >> 31 else (0, where)
            kind, bare, _ = self._bare(inner)
            if name == 0 and kind in _AGGREGATES:
                yield from self._walk(bare, base + where)
            else:
                yield self._name(name), Member(inner, base + where, bits)

    def enumerator(self, enumeration: str, name: str) -> int | None:
        """Return the value of an enumerator; None if this kernel has none of that name."""
        if enumeration not in self._named:
            return None
        at = self._at[self._named[enumeration]]
        info = self._words[at + 1]
        step = _EACH[info >> 24 & 31]
        for element in range(at + 3, at + 3 + step * (info & 0xFFFF), step):
            if self._name(self._words[element]) == name:
                return self._words[element + 1]
        return None

    def extent(self, type_id: int) -> tuple[int, str]:
        """Return the bytes of a member, and the name of its struct (or that of its elements) if held by value; else an
        empty name."""
        count = 1
        kind, bare, size = self._bare(type_id)
        while kind == _ARRAY:
            at = self._at[bare]
            count *= self._words[at + 5]
            kind, bare, size = self._bare(self._words[at + 3])
        return size * count, self._label(bare) if kind in _AGGREGATES else ""

    def inside(self, member: Member, path: str, enumerations: Iterable[str] = ()) -> Member | None:
        """Return the member of a member by a path such as `[2].count`; None if there is none. An index is a number, or
        an enumerator of these enumerations."""
        for index, name in _STEP.findall(path):
            kind, bare, _ = self._bare(member.type_id)
            if index:
                found = (self.enumerator(one, index) for one in enumerations)
                number = int(index) if index.isdigit() else next((one for one in found if one is not None), None)
                if kind != _ARRAY or number is None:
                    return None
                element = self._words[self._at[bare] + 3]
                member = Member(element, member.bit + 8 * number * self.extent(element)[0], 0)
                continue
            walk = self._walk(bare, member.bit) if kind in _AGGREGATES else ()
            inner = next((one for label, one in walk if label == name), None)
            if inner is None:
                return None
            member = inner
        return member


def _absent(path: Path, why: str | None) -> SourceUnavailable:
    return SourceUnavailable(
        f"source ebpf: {path} cannot be read ({why}); the kernel must be built with CONFIG_DEBUG_INFO_BTF=y, and where "
        "it does not show its BTF the setting `btf` names a file that has it"
    )


def read(names: Iterable[str], path: Path = BTF_FILE, *, functions: Iterable[str] = ()) -> Btf:
    """Return the running kernel's types. Raises SourceUnavailable if the kernel has none."""
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise _absent(path, error.strerror) from error
    try:
        return Btf(blob, names, functions)
    except (ValueError, IndexError, struct.error) as error:
        raise SourceUnavailable(f"source ebpf: {path} is no BTF ({error})") from error
