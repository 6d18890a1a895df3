"""The wire format in Python, read from bpf/mozu.h, which is its only definition.

The header has fixed-width members at natural alignment without holes. `assertions` returns C that makes the compiler
check the offsets computed here, so a mismatch is a compile error.
"""

import functools
import re
import struct
from pathlib import Path
from typing import Final, NamedTuple

import mozu.bpf

SOURCES: Final = Path(mozu.bpf.__file__).parent
_FORMATS: Final = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i", "s64": "q"}
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRUCT: Final = re.compile(r"struct (\w+) \{(.*?)\n?\};", re.DOTALL)
_ITEM: Final = re.compile(r"(\w+)(?:\[(\d+)\])?")


class WireMember(NamedTuple):
    """A member of a wire struct; those of inner structs are named `outer_inner`."""

    name: str
    c_path: str
    offset: int
    format: str
    """Format in the notation of `struct`; `16s` for bytes, `6Q` counts as six values."""


class WireLayout(NamedTuple):
    """Layout of a wire struct."""

    name: str
    members: tuple[WireMember, ...]
    size: int

    @property
    def packer(self) -> struct.Struct:
        """Unpacker of all members in order."""
        return struct.Struct("<" + "".join(member.format for member in self.members))

    def names(self) -> list[str]:
        """Return one name for each value that `packer` unpacks: `args0`, `args1` … for an array of numbers."""
        names: list[str] = []
        for member in self.members:
            count = member.format[:-1]
            if count and not member.format.endswith("s"):
                names.extend(f"{member.name}{index}" for index in range(int(count)))
            else:
                names.append(member.name)
        return names


@functools.cache
def layouts() -> dict[str, WireLayout]:
    """Return every struct of the header by name."""
    text = _COMMENT.sub("", (SOURCES / "mozu.h").read_text())
    found: dict[str, WireLayout] = {}
    for match in _STRUCT.finditer(text):
        found[match[1]] = _layout(match[1], match[2], found)
    return found


@functools.cache
def marks() -> dict[str, int]:
    """Return the bits of the enumeration `mark` by name without `MARK_`."""
    text = _COMMENT.sub("", (SOURCES / "mozu.h").read_text())
    return {name: int(value) for name, value in re.findall(r"MARK_(\w+) = (\d+)", text)}


@functools.cache
def constant(name: str) -> int:
    """Return a number that the header defines. Raises KeyError."""
    text = _COMMENT.sub("", (SOURCES / "mozu.h").read_text())
    return {found: int(value, 0) for found, value in re.findall(r"#define (\w+) (\w+)", text)}[name]


def _layout(name: str, body: str, known: dict[str, WireLayout]) -> WireLayout:
    members: list[WireMember] = []
    offset = 0
    for statement in filter(None, (part.strip() for part in body.split(";"))):
        kind, _, items = statement.removeprefix("struct ").partition(" ")
        for item in items.split(","):
            match = _ITEM.fullmatch(item.strip())
            if match is None:
                raise ValueError(f"bpf/mozu.h: struct {name}: cannot read {statement!r}")
            if kind in known:
                inner = known[kind]
                members += [
                    WireMember(f"{match[1]}_{m.name}", f"{match[1]}.{m.c_path}", offset + m.offset, m.format)
                    for m in inner.members
                ]
                offset += inner.size
                continue
            code = f"{match[2]}s" if kind == "u8" and match[2] else (match[2] or "") + _FORMATS[kind]
            members.append(WireMember(match[1], match[1], offset, code))
            offset += struct.calcsize("<" + code)
    return WireLayout(name, tuple(members), offset)


def assertions() -> str:
    """Return C that does not compile if the compiler's layout of a struct differs."""
    lines: list[str] = []
    for layout in layouts().values():
        lines.append(f'_Static_assert(sizeof(struct {layout.name}) == {layout.size}, "sizeof {layout.name}");')
        lines += [
            f"_Static_assert(__builtin_offsetof(struct {layout.name}, {member.c_path}) == {member.offset}, "
            f'"{layout.name}.{member.c_path}");'
            for member in layout.members
        ]
    return "\n".join(lines) + "\n"
