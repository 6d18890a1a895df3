"""Memory of a kernel with randomly laid out structs, for memory_model.c, and the structs of bpf/ beside them."""

import ctypes
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.objects import build, codegen
from mozu.plugins.sources.ebpf.objects.build import kernel_text
from tests.support import bpf_compiled

_SCALARS: Final = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "void": 8}
_MEMBER: Final = re.compile(
    r"  (?:volatile )?(?P<struct>struct )?(?P<type>\w+) (?P<pointer>\*volatile )?(?P<name>\w+)(?P<arrays>[][0-9]*);"
)
_OFFSET: Final = re.compile(r"_Static_assert\(__builtin_offsetof\(struct \w+, \w+\) == (\d+), \"(\w+)\.(\w+)\"\)")
_STRUCT: Final = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
_LARGEST: Final = 4096
"""Bytes reserved for any struct, with the data behind it."""
_BYTES: Final = 1 << 22
"""Size of kernel_memory in memory_model.c."""
_PLACES: Final = 64
"""Values that a map can hold which is no array."""


_LONG: Final = (
    *("used", "container", "file_of", "word", "peer", "opening", "starting", "connecting", "sending", "kill_by"),
    "deny",
)
"""Functions that return a number of 64 bits."""


class _Member(NamedTuple):
    offset: int
    size: int
    """Bytes of a number; 0 for a struct or an array."""
    inner: str
    """Name of the struct that the member or its elements are."""


class Kernel:
    """The model with its memory, in which structs are laid out one behind the other."""

    def __init__(self, library: ctypes.CDLL, types: str) -> None:
        self.library = library
        for name in ("kernel_place", "users", "pushed", "record", "get", "signals_sent", "filter_of"):
            getattr(library, name).restype = ctypes.c_void_p
        for name in _LONG:
            getattr(library, name).restype = ctypes.c_uint64
        self._text = types
        self._offsets = {(one[2], one[3]): int(one[1]) for one in _OFFSET.finditer(types)}
        bodies = {one[1]: one[2] for one in _STRUCT.finditer(types)}
        self._members = {name: dict(self._members_of(name, body)) for name, body in bodies.items()}
        self.users: int = library.users()
        self.next = 0
        self.clear()

    def clear(self) -> None:
        """Set all memory to 0 and remove the maps."""
        start: int = self.library.kernel_place()
        self.library.begin(ctypes.c_uint64(self.next - start if self.next else 0))
        self.next = start
        self.zeroes = self.place(_LARGEST)
        """Address that stands for a null pointer through which a load yields 0."""

    def _members_of(self, name: str, body: str) -> list[tuple[str, _Member]]:
        found = []
        for one in _MEMBER.finditer(body):
            if (name, one["name"]) in self._offsets:
                size = 8 if one["pointer"] else 0 if one["struct"] or one["arrays"] else _SCALARS[one["type"]]
                inner = one["type"] if one["struct"] and not one["pointer"] else ""
                found.append((one["name"], _Member(self._offsets[name, one["name"]], size, inner)))
        return found

    def size(self, name: str) -> int:
        """Return the bytes of a struct, by the padding at its end."""
        found = re.search(
            rf"^struct {name} \{{\n.*?  char _(\d+)\[(\d+)\];\n\}};", self._text, re.DOTALL | re.MULTILINE
        )
        assert found, name
        return int(found[1]) + int(found[2])

    def place(self, size: int) -> int:
        """Return the address of `size` new bytes, all zero."""
        found, self.next = self.next, self.next + size + 63 & ~63
        assert self.next <= self.library.kernel_place() + _BYTES
        return found

    def new(self, struct: str, members: Mapping[str, int | bytes] | None = None, /, **more: int | bytes) -> int:
        """Make a struct of the kernel with these members (`outer.inner` of a struct by value), 0 elsewhere; return its
        address."""
        at = self.place(_LARGEST)
        self.put(struct, at, {**(members or {}), **more})
        return at

    def put(self, name: str, at: int, members: Mapping[str, int | bytes]) -> None:
        """Write members of a struct. Bytes are written as they are; for an array they are its beginning."""
        for path, value in members.items():
            offset, size = self.offset(name, path), self._size(name, path)
            raw = value if isinstance(value, bytes) else (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            self.write(at + offset, raw)

    def write(self, at: int, raw: bytes) -> int:
        """Write bytes; return the address behind them."""
        ctypes.memmove(at, raw, len(raw))
        return at + len(raw)

    def read(self, name: str, at: int, path: str) -> bytes:
        """Return a member of a struct of the kernel."""
        return self.bytes_at(at + self.offset(name, path), self._size(name, path))

    def bytes_at(self, at: int, count: int) -> bytes:
        """Return the bytes at an address."""
        return ctypes.string_at(at, count)

    def text(self, text: bytes) -> int:
        """Store a text with its NUL; return its address."""
        at = self.place(len(text) + 1)
        self.write(at, text)
        return at

    def array(self, *words: int) -> int:
        """Store an array of pointers; return its address."""
        raw = struct.pack(f"<{len(words)}Q", *words)
        at = self.place(len(raw))
        self.write(at, raw)
        return at

    def offset(self, name: str, path: str) -> int:
        """Return the offset of a member (`outer.inner` of a struct by value)."""
        outer, _, rest = path.partition(".")
        member = self._members[name][outer]
        return member.offset + (self.offset(member.inner, rest) if rest else 0)

    def _size(self, name: str, path: str) -> int:
        outer, _, rest = path.partition(".")
        member = self._members[name][outer]
        return self._size(member.inner, rest) if rest else member.size

    def has(self, name: str) -> bool:
        """Return True if the headers of bpf/ find this by HAS."""
        return f"#define CONSTANT_HAS_{name} 1\n" in self._text

    def constant(self, name: str) -> int:
        """Return a constant of an enumeration of the kernel."""
        found = re.search(rf"^#define {name} (\d+)$", self._text, re.MULTILINE)
        assert found, name
        return int(found[1])

    def map(self, number: int, key: int, value: int, places: int, *, is_array: bool) -> int:
        """Make a map; `key` and `value` are sizes in bytes. Return the address of the values."""
        at = self.place(value * (places if is_array else _PLACES))
        self.library.set_map(number, key, value, places, is_array, ctypes.c_void_p(at))
        return at

    def wire(self, name: str, at: int) -> dict[str, int | bytes]:
        """Return the struct of bpf/mozu.h at an address, by the names of its members."""
        layout = wire.layouts()[name]
        return dict(zip(layout.names(), layout.packer.unpack(ctypes.string_at(at, layout.size)), strict=True))


_OLDER: Final = frozenset({"HAS_task_struct__loginuid", "HAS_ovl_inode____upperdentry"})
"""Features that a kernel like Linux 5.15 lacks here: it is without auditing, and has overlayfs as a module."""
_TIMES: Final = re.compile(r"HAS_inode__i_[cm]time_n?sec")
"""Pattern of the members that hold the times of inodes since Linux 6.11."""
_BIT: Final = 8 * 4000
"""Offset behind the members of any struct, in bits."""


def _constants(*, older: bool) -> str:
    """Return the numbers of KERNEL_CONSTANT."""
    bits = {name: _BIT + at for at, name in enumerate(codegen.CONSTANTS) if not name.startswith("HAS_")}
    lacks = {name for name in codegen.CONSTANTS if name in _OLDER or _TIMES.fullmatch(name)} if older else set()
    found = {name: bits.get(name, int(name not in lacks)) for name in codegen.CONSTANTS}
    lines = [f"#define CONSTANT_{name} {number}" for name, number in found.items()]
    return "\n".join(["#define KERNEL_CONSTANT(name) CONSTANT_##name", *lines, ""])


def compiled(folder: Path, model: str = "memory_model.c", *, older: bool = False) -> Kernel:
    """Compile a model with structs at random offsets, as no kernel has them; `older`: without features newer than Linux
    5.15."""
    types = kernel_text(build.draw_layout("model", limit=3000, inner_limit=600)) + _constants(older=older)
    return Kernel(bpf_compiled.compiled(folder, model, types), types)
