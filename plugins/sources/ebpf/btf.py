"""BTF of the running kernel: offsets of struct members from /sys/kernel/btf/vmlinux, and C structs that have them.

BTF is one blob: a header, a section of type records (32-bit words) and a section of NUL-terminated names. A record is
three words (name, info, size or type) and, by kind, more words. One pass notes the place of each record and the records
with a wanted name; everything else is read on request. The result of the pass is an index, which can be stored
(type_index.py), because in Python the pass takes longer than everything else here. Format: the kernel's
Documentation/bpf/btf.rst.

The programs are compiled on the machine that they run on, so these structs replace CO-RE relocations. They have only
the members that the programs read (kernel_structs.py). Members are `volatile`: a compiler that joins two neighbouring
loads makes an access that the verifier refuses on typed pointers.
"""

import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

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
_UNSIGNED: Final = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
_SIGNED: Final = {1: "s8", 2: "s16", 4: "s32", 8: "s64"}

Spec = Mapping[str, str]
"""Wanted members by struct, separated by blanks: `name`, `name=first|second` (names in different kernels), with `?` at
the end if a kernel may lack it (then `HAS_struct__name` is defined if it exists)."""


class Member(NamedTuple):
    """Place of a member."""

    type_id: int
    bit: int
    """Offset in bits."""
    bits: int
    """Width of a bit field; 0 for other members."""


class Index(msgspec.Struct, frozen=True, array_like=True):
    """Result of one pass over a blob."""

    places: bytes
    """Place of each record, by number: 32-bit words that count words of the section of types."""
    named: dict[str, int]
    """Number of each wanted struct, union or enumeration."""
    functions: dict[str, int]
    """Number of each wanted function."""


class Btf:
    """Types of one blob; only structs and enumerations in `names`, and functions in `functions`, can be looked up.

    `index_of` returns the stored index of the same blob and names by `digest`; None if there is none.
    """

    def __init__(
        self,
        blob: bytes,
        names: Iterable[str],
        functions: Iterable[str] = (),
        index_of: Callable[[str], Index | None] = lambda digest: None,
    ) -> None:
        magic, _, _, header, type_at, type_length, text_at, text_length = struct.unpack_from("<HBBIIIII", blob)
        if magic != 0xEB9F:
            raise ValueError(f"BTF begins with 0xeb9f, found {magic:#x}")
        self._text = blob[header + text_at : header + text_at + text_length]
        self._words = memoryview(blob)[header + type_at : header + type_at + type_length].cast("I")
        self.digest = sha256(blob).hexdigest()
        """SHA-256 that identifies the BTF of one build of a kernel."""
        self.index = index_of(self.digest) or self._scan(self._offsets(names), self._offsets(functions))
        self._at = memoryview(self.index.places).cast("I")
        self._named, self._functions = self.index.named, self.index.functions

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def _offsets(self, names: Iterable[str]) -> dict[int, str]:
        """Return the existing names by their offsets among the texts, each of which is stored once."""
        places = {self._text.find(b"\0" + name.encode() + b"\0") + 1: name for name in names}
        places.pop(0, None)
        return places

    def _scan(self, wanted: Mapping[int, str], functions: Mapping[int, str]) -> Index:
        places = array("I", [0])
        found: dict[str, int] = {}
        found_functions: dict[str, int] = {}
        words, note, at, end = self._words, places.append, 0, len(self._words)
        fixed = [3 + _FIXED.get(kind, 0) for kind in range(32)]
        each = [_EACH.get(kind, 0) for kind in range(32)]
        while at < end:
            note(at)
            info = words[at + 1]
            kind = info >> 24 & 31
            if words[at] in wanted and kind in _NAMED:
                found.setdefault(wanted[words[at]], len(places) - 1)
            elif kind == _FUNC and words[at] in functions:
                found_functions[functions[words[at]]] = len(places) - 1
            at += fixed[kind] + (info & 0xFFFF) * each[kind]
        return Index(places.tobytes(), found, found_functions)

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

    def declare(self, type_id: int, name: str, known: Iterable[str]) -> str:
        """Return the C declaration of a member; structs that are not `known` become bytes or void pointers."""
        kind, bare, size = self._bare(type_id)
        at = self._at[bare]
        if kind == _PTR:
            target_kind, target, _ = self._bare(self._words[at + 2]) if self._words[at + 2] else (0, 0, 0)
            label = self._label(target) if target_kind in _AGGREGATES else ""
            return f"struct {label} *volatile {name}" if label in known else f"void *volatile {name}"
        if kind == _ARRAY:
            return self.declare(self._words[at + 3], f"{name}[{self._words[at + 5]}]", known)
        if kind in _AGGREGATES:
            label = self._label(bare)
            if label in known:
                return f"struct {label} {name}"
            return f"volatile {_UNSIGNED[size]} {name}" if size in _UNSIGNED else f"char {name}[{size}]"
        signed = kind == _INT and self._words[at + 3] >> 24 & 1
        return f"volatile {(_SIGNED if signed else _UNSIGNED)[size]} {name}"


def _absent(path: Path, why: str | None) -> SourceUnavailable:
    return SourceUnavailable(
        f"source ebpf: {path} cannot be read ({why}); the kernel must be built with CONFIG_DEBUG_INFO_BTF=y, and where "
        "it does not show its BTF the setting `btf` names a file that has it"
    )


def read(
    names: Iterable[str],
    path: Path = BTF_FILE,
    *,
    functions: Iterable[str] = (),
    index_of: Callable[[str], Index | None] = lambda digest: None,
) -> Btf:
    """Return the running kernel's types. `index_of`: see Btf. Raises SourceUnavailable if the kernel has none."""
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise _absent(path, error.strerror) from error
    try:
        return Btf(blob, names, functions, index_of)
    except (ValueError, IndexError, struct.error) as error:
        raise SourceUnavailable(f"source ebpf: {path} is no BTF ({error})") from error


def emit(btf: Btf, spec: Spec) -> str:
    """Return C for the structs of `spec` that this kernel has. Raises SourceUnavailable for a missing member."""
    order: dict[str, str] = {}
    for name in spec:
        if name in btf:
            _emit_struct(btf, spec, name, order)
    return "".join(f"struct {name};\n" for name in spec) + "".join(order.values())


def _emit_struct(btf: Btf, spec: Spec, name: str, order: dict[str, str]) -> None:
    """Add one struct to `order`, after the structs that it holds by value."""
    if name in order:
        return
    lines: list[str] = []
    after: list[str] = []
    at = 0
    for label, member in sorted(_wanted(btf, spec, name, after), key=lambda pair: pair[1].bit):
        if member.bits:
            after.append(f"#define {name}__{label}_BIT {member.bit}")
            continue
        size, inner = btf.extent(member.type_id)
        if inner in spec:
            _emit_struct(btf, spec, inner, order)
        where = member.bit // 8
        if where > at:
            lines.append(f"  char _{at}[{where - at}];")
        declared = btf.declare(member.type_id, label, spec)
        # An aggregate may need less alignment than the integer that replaces it: kernel_cap_t before Linux 6.3.
        stands_for = inner and inner not in spec and size in _UNSIGNED
        packed = " __attribute__((packed))" if stands_for and where % size else ""
        lines.append(f"  {declared}{packed};")
        after.append(f'_Static_assert(__builtin_offsetof(struct {name}, {label}) == {where}, "{name}.{label}");')
        at = where + size
    if btf.size(name) > at:
        lines.append(f"  char _{at}[{btf.size(name) - at}];")
    order[name] = "\n".join([f"struct {name} {{", *lines, "};", *after, ""])


def _wanted(btf: Btf, spec: Spec, name: str, after: list[str]) -> Iterator[tuple[str, Member]]:
    have = btf.members(name)
    for item in spec[name].split():
        label, _, rest = item.removesuffix("?").partition("=")
        found = next((have[choice] for choice in (rest or label).split("|") if choice in have), None)
        if found is not None:
            if item.endswith("?"):
                after.append(f"#define HAS_{name}__{label} 1")
            yield label, found
        elif not item.endswith("?"):
            raise SourceUnavailable(
                f"source ebpf: struct {name} of this kernel has no member {rest or label}; "
                "mozu needs Linux 5.15 or later, and a newer mozu may know this kernel"
            )
