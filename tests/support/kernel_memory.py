"""Memory of a kernel with the structs of the running one, for memory_model.c, and the structs of bpf/ beside them."""

import ctypes
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf import codegen, wire
from tests.support import bpf_compiled

_SCALARS: Final = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "void": 8}
_MEMBER: Final = re.compile(
    r"  (?:volatile )?(?P<struct>struct )?(?P<type>\w+) (?P<pointer>\*volatile )?(?P<name>\w+)(?P<arrays>[][0-9]*);"
)
_OFFSET: Final = re.compile(r"_Static_assert\(__builtin_offsetof\(struct \w+, \w+\) == (\d+), \"(\w+)\.(\w+)\"\)")
_STRUCT: Final = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
_LARGEST: Final = 4096
"""Bytes that any struct takes, with what is put behind it."""
_BYTES: Final = 1 << 22
"""Of kernel_memory in memory_model.c."""
_PLACES: Final = 64
"""Of a map that is no array."""


_LONG: Final = (
    *("used", "container", "file_of", "word", "peer", "opening", "starting", "connecting", "sending", "kill_by"),
    "deny",
)
"""Functions that give a number of 64 bits."""


class _Member(NamedTuple):
    offset: int
    size: int
    """Of a number; 0: it is a struct, or an array."""
    inner: str
    """Name of the struct that it is, or that its elements are."""


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
        """All of it is 0, and there is no map."""
        start: int = self.library.kernel_place()
        self.library.begin(ctypes.c_uint64(self.next - start if self.next else 0))
        self.next = start
        self.zeroes = self.place(_LARGEST)
        """What a null pointer leads to, where a load through one gives 0."""

    def _members_of(self, name: str, body: str) -> list[tuple[str, _Member]]:
        found = []
        for one in _MEMBER.finditer(body):
            if (name, one["name"]) in self._offsets:
                size = 8 if one["pointer"] else 0 if one["struct"] or one["arrays"] else _SCALARS[one["type"]]
                inner = one["type"] if one["struct"] and not one["pointer"] else ""
                found.append((one["name"], _Member(self._offsets[name, one["name"]], size, inner)))
        return found

    def size(self, name: str) -> int:
        """Bytes of a struct, by the padding at its end."""
        found = re.search(
            rf"^struct {name} \{{\n.*?  char _(\d+)\[(\d+)\];\n\}};", self._text, re.DOTALL | re.MULTILINE
        )
        assert found, name
        return int(found[1]) + int(found[2])

    def place(self, size: int) -> int:
        """The address of so many bytes, all zero."""
        found, self.next = self.next, self.next + size + 63 & ~63
        assert self.next <= self.library.kernel_place() + _BYTES
        return found

    def new(self, struct: str, members: Mapping[str, int | bytes] | None = None, /, **more: int | bytes) -> int:
        """The address of a struct of the kernel with these members, `outer.inner` of a struct by value; else 0."""
        at = self.place(_LARGEST)
        self.put(struct, at, {**(members or {}), **more})
        return at

    def put(self, name: str, at: int, members: Mapping[str, int | bytes]) -> None:
        """Bytes are written as they are; of an array they are its beginning."""
        for path, value in members.items():
            offset, size = self.offset(name, path), self._size(name, path)
            raw = value if isinstance(value, bytes) else (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            self.write(at + offset, raw)

    def write(self, at: int, raw: bytes) -> int:
        """The address behind them."""
        ctypes.memmove(at, raw, len(raw))
        return at + len(raw)

    def read(self, name: str, at: int, path: str) -> bytes:
        """A member of a struct of the kernel."""
        return self.bytes_at(at + self.offset(name, path), self._size(name, path))

    def bytes_at(self, at: int, count: int) -> bytes:
        """What lies there."""
        return ctypes.string_at(at, count)

    def text(self, text: bytes) -> int:
        """The address of a text with its NUL."""
        at = self.place(len(text) + 1)
        self.write(at, text)
        return at

    def array(self, *words: int) -> int:
        """The address of pointers."""
        raw = struct.pack(f"<{len(words)}Q", *words)
        at = self.place(len(raw))
        self.write(at, raw)
        return at

    def offset(self, name: str, path: str) -> int:
        """Of a member, `outer.inner` of a struct by value."""
        outer, _, rest = path.partition(".")
        member = self._members[name][outer]
        return member.offset + (self.offset(member.inner, rest) if rest else 0)

    def _size(self, name: str, path: str) -> int:
        outer, _, rest = path.partition(".")
        member = self._members[name][outer]
        return self._size(member.inner, rest) if rest else member.size

    def has(self, name: str) -> bool:
        """What the headers of bpf/ ask by #ifdef HAS_…"""
        return f"#define HAS_{name} 1\n" in self._text

    def constant(self, name: str) -> int:
        """Of an enumeration of the kernel."""
        found = re.search(rf"^#define {name} (\d+)$", self._text, re.MULTILINE)
        assert found, name
        return int(found[1])

    def map(self, number: int, key: int, value: int, places: int, *, is_array: bool) -> int:
        """Bytes of a key and of a value. Gives the address of the values."""
        at = self.place(value * (places if is_array else _PLACES))
        self.library.set_map(number, key, value, places, is_array, ctypes.c_void_p(at))
        return at

    def wire(self, name: str, at: int) -> dict[str, int | bytes]:
        """A struct of bpf/mozu.h that lies there, by the names of its members."""
        layout = wire.layouts()[name]
        return dict(zip(layout.names(), layout.packer.unpack(ctypes.string_at(at, layout.size)), strict=True))


_NEWER: Final = re.compile(
    r"#define HAS_(?:percpu_counter|task_struct__loginuid|ovl_inode|inode__i_[cm]time_n?sec) 1\n"
)
_INODE: Final = re.compile(r"(struct inode \{\n.*?)  char _(\d+)\[(\d+)\];\n\};", re.DOTALL)
_TIMES: Final = 32
"""Bytes of two struct timespec64."""


def _older(types: str) -> str:
    """The same structs, but for what was otherwise in Linux 5.15: counters of pages, times of inodes; without auditing,
    and with overlayfs as a module."""
    found = _INODE.search(types)
    assert found
    at, rest = int(found[2]), int(found[3])
    begins = at + 7 & ~7
    members = f"  char _{at}[{begins - at}];\n  s64 i_ctime[2];\n  s64 i_mtime[2];\n"
    offsets = "".join(
        f'_Static_assert(__builtin_offsetof(struct inode, {name}) == {begins + place}, "inode.{name}");\n'
        for name, place in (("i_ctime", 0), ("i_mtime", 16))
    )
    members += f"  char _{begins + _TIMES}[{rest - _TIMES - begins + at}];\n}};\n{offsets}"
    return _NEWER.sub("", types[: found.start()] + found[1] + members + types[found.end() + 1 :])


def compiled(folder: Path, model: str = "memory_model.c", *, older: bool = False) -> Kernel:
    """With the structs of the running kernel, or those of an older one."""
    types = codegen.kernel_text(codegen.read_types())
    types = _older(types) if older and "HAS_inode__i_ctime_sec" in types else types
    return Kernel(bpf_compiled.compiled(folder, model, types), types)
