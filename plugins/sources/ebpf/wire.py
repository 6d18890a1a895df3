"""Layouts of the structs of bpf/, in Python, read from its headers, which are their only definition.

The wire format of records is bpf/mozu.h (`layouts`, `marks`, `constant`): fixed-width members at natural alignment
without holes. Of structs in maps (`place`, `size`, `map_constant`) the other headers have also arrays, pointers,
structs by value and unnamed unions. `assertions` and `map_assertions` return C that makes the compiler check the
offsets computed here, so a mismatch is a compile error.
"""

import functools
import re
import struct
from collections.abc import Iterator, Mapping
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


_HEADERS: Final = (
    *("accounts.h", "record.h", "syscall_ctx.h", "process_verdicts.h", "opened_path.h", "open_args.h", "sock_info.h"),
    *("ends.h", "kernel_filter.h", "uring_requests.h"),
)
_STRUCTS: Final = (
    *("flow", "account", "meter", "tab", "group_tab"),
    *("counts", "settings", "syscall_ctx", "verdicts", "opened_path", "opened_at", "open_args", "sock_info"),
    *("caller", "tested_path", "kill_facts", "end", "filter_scratch"),
)
"""Structs that are read, each after the structs that it holds by value."""
_SIZES: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8, "char": 1, "bool": 1}
_POINTER: Final = 8
_DEFINE: Final = re.compile(r"^#define (\w+) (\w+) *$", re.MULTILINE)
_STATEMENT: Final = re.compile(
    r"\s*(?:union \{(?P<union>.*?)\}|(?:struct )?(?P<type>\w+) (?P<items>[^;{}]+));", re.DOTALL
)
_DECLARED: Final = re.compile(r"\s*(?P<pointer>\*?)(?P<name>\w+)(?:\[(?P<count>[^\]]+)\])?\s*")


class Place(NamedTuple):
    """A member of a struct; for an array, its first element."""

    offset: int
    """Bytes from the beginning of the struct."""
    size: int
    """Bytes; for an array, those of one element."""
    signed: bool = False


class _Layout(NamedTuple):
    members: Mapping[str, Place]
    size: int
    alignment: int


def place(struct: str, member: str) -> Place:
    """Return the place of a member; one of a struct by value is named `outer.inner`. Raises KeyError."""
    return _layouts()[struct].members[member]


def size(struct: str) -> int:
    """Return the bytes of a struct."""
    return _layouts()[struct].size


def map_constant(name: str) -> int:
    """Return a number that one of the headers defines. Raises KeyError."""
    return int(_defines()[name])


def map_assertions() -> str:
    """Return C that does not compile if the compiler's layout of a struct differs; to follow kernel_filter.h."""
    lines = [
        f'_Static_assert(__builtin_offsetof(struct {name}, {member}) == {found.offset}, "{name}.{member}");'
        for name, layout in _layouts().items()
        for member, found in layout.members.items()
    ]
    lines += [f'_Static_assert(sizeof(struct {name}) == {one.size}, "{name}");' for name, one in _layouts().items()]
    return "\n".join(lines) + "\n"


@functools.cache
def _text() -> str:
    return _COMMENT.sub("", "\n".join((SOURCES / name).read_text() for name in _HEADERS))


@functools.cache
def _defines() -> dict[str, str]:
    return dict(_DEFINE.findall(_text()))


@functools.cache
def _layouts() -> dict[str, _Layout]:
    text, defines = _text(), _defines()
    known: dict[str, _Layout] = {}
    for name in _STRUCTS:
        begin = text.index(f"\nstruct {name} {{") + len(f"\nstruct {name} {{")
        known[name] = _laid_out(text[begin : _closing(text, begin)], known, defines)
    return known


def _closing(text: str, begin: int) -> int:
    """Return the index of the brace that closes the one before `begin`."""
    depth = 1
    for match in re.finditer(r"[{}]", text[begin:]):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return begin + match.start()
    raise ValueError("bpf/: a struct without an end")


def _laid_out(body: str, known: Mapping[str, _Layout], defines: Mapping[str, str]) -> _Layout:
    members: dict[str, Place] = {}
    end, widest, at = 0, 1, 0
    while match := _STATEMENT.match(body, at):
        at = match.end()
        begin = end
        in_union = match["union"] is not None
        for items in _STATEMENT.finditer(match["union"]) if in_union else [match]:
            for name, one, count in _items(items["type"], items["items"], known, defines):
                start = -(-(begin if in_union else end) // one.alignment) * one.alignment
                members |= {
                    f"{name}.{inner}" if inner else name: found._replace(offset=start + found.offset)
                    for inner, found in one.members.items()
                }
                end = max(end, start + one.size * count)
                widest = max(widest, one.alignment)
    if body[at:].strip():
        raise ValueError(f"bpf/: cannot read {body[at:].strip()!r}")
    return _Layout(members, -(-end // widest) * widest, widest)


def _items(
    kind: str, items: str, known: Mapping[str, _Layout], defines: Mapping[str, str]
) -> Iterator[tuple[str, _Layout, int]]:
    """Yield (name, layout of one element, number of elements) of each member that a statement declares."""
    for item in items.split(","):
        match = _DECLARED.fullmatch(item)
        if match is None:
            raise ValueError(f"bpf/: cannot read {kind} {items!r}")
        if not match["pointer"] and kind in known:
            one = known[kind]
        else:
            width = _POINTER if match["pointer"] else _SIZES[kind]
            one = _Layout({"": Place(0, width, kind[0] == "s" and not match["pointer"])}, width, width)
        yield match["name"], one, _value(match["count"] or "1", defines)


def _value(expression: str, defines: Mapping[str, str]) -> int:
    """Return the value of sums of products and quotients of numbers and constants."""
    total = 0
    for term in expression.split("+"):
        product, *rest = re.findall(r"\w+|[*/]", term)
        value = _number(product, defines)
        for operation, factor in zip(rest[::2], rest[1::2], strict=True):
            number = _number(factor, defines)
            value = value * number if operation == "*" else value // number
        total += value
    return total


def _number(word: str, defines: Mapping[str, str]) -> int:
    while word in defines:
        word = defines[word]
    return int(word)
