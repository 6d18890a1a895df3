"""Trees of directories and mounts in the model of a kernel (path_model.c), and the paths in them by plain Python."""

import ctypes
import random
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf import wire

MARKS: Final = wire.marks()
DEPTH: Final = 40
"""DEPTH of kernel_model.h: steps of a walk."""
DIRECTORY, REGULAR, SOCKET = 0o040755, 0o100644, 0o140777
NO_ENTRY: Final = 512
"""Value in place of a dentry's number: the path has none."""
NAMES: Final = (
    "etc",
    "x",
    ".ssh",
    "a.b",
    "..b",
    "shadow",
    "n" * 30,
    "n" * 31,
    "n" * 32,
    "long" * 20,
    "z" * 255,
    "y",
    "u",
)


class Entry(NamedTuple):
    """A dentry."""

    parent: int
    """Number of the parent; the entry's own number for a root."""
    name: str
    block: int
    mode: int


class Mount(NamedTuple):
    """A mount."""

    parent: int
    point: int
    root: int
    block: int


class Found(NamedTuple):
    """The result of a walk."""

    marks: int
    text: str


class Tree:
    """The kernel's own root file system, and the one that is mounted over it."""

    def __init__(self, kernel: ctypes.CDLL) -> None:
        self.kernel = kernel
        kernel.begin()
        self.entries: list[Entry] = []
        self.mounts: list[Mount] = []
        self.mount(0, self.entry(None, "/", 0), 0, 0)
        self.mount(0, 0, self.entry(None, "/", 1), 1)
        self.set_root(1, self.mounts[1].root)

    def entry(self, parent: int | None, name: str, block: int, mode: int = DIRECTORY) -> int:
        """Add a dentry; return its number. `parent` None: a root."""
        number = len(self.entries)
        self.entries.append(Entry(number if parent is None else parent, name, block, mode))
        self.kernel.add_inode(number, mode, block)
        self.kernel.add_dentry(number, self.entries[-1].parent, name.encode(), number)
        return number

    def mount(self, parent: int, point: int, root: int, block: int) -> int:
        """Add a mount; return its number. The first is its own parent."""
        number = len(self.mounts)
        self.mounts.append(Mount(parent, point, root, block))
        self.kernel.add_mount(number, parent, point, root, block)
        return number

    def file(self, fd: int, mount: int, entry: int, **socket: int) -> None:
        """Set the file behind a descriptor. `socket`: family, protocol, state, and port as it lies in memory."""
        numbers = (socket.get(name, 0) for name in ("family", "protocol", "state", "port"))
        self.kernel.add_file(fd, mount, entry, bool(socket), *numbers)

    def set_root(self, mount: int, entry: int) -> None:
        """Set the root directory of the task."""
        self.root = mount, entry
        self.kernel.set_root(mount, entry)

    def path(self, mount: int, entry: int, root: tuple[int, int] | None = None) -> Found:
        """Return what d_path returns, with at most DEPTH steps; `root`: where the path ends, by default the root of the
        task."""
        root = root or self.root
        parts: list[str] = []
        for _ in range(DEPTH):
            here = self.mounts[mount]
            if (mount, entry) == root:
                return Found(0, "".join(reversed(parts)))
            if entry == here.root:
                if here.parent == mount:
                    return Found(MARKS["OUTSIDE"], "".join(reversed(parts)))
                mount, entry = here.parent, here.point
                continue
            parts.append(f"/{self.entries[entry].name}")
            if sum(map(len, parts)) > 4096:
                return Found(MARKS["CUT"], "".join(reversed(parts[:-1])))
            if self.entries[entry].parent == entry:
                return Found(MARKS["PSEUDO"], "".join(reversed(parts)))
            entry = self.entries[entry].parent
        return Found(MARKS["CUT"], "".join(reversed(parts)))

    def real_path(self, mount: int, entry: int) -> Found:
        """Return the path below the mount at / of the mount namespace; for a file elsewhere that of the mounts."""
        top = self._top()
        parts: list[str] = []
        at = entry
        while at != self.mounts[top].root and self.entries[at].parent != at and len(parts) < DEPTH:
            parts.append(f"/{self.entries[at].name}")
            at = self.entries[at].parent
        is_there = self.entries[entry].block == self.mounts[top].block and at == self.mounts[top].root
        if len(parts) == DEPTH and self.entries[entry].block == self.mounts[top].block:
            return Found(MARKS["CUT"], "".join(reversed(parts)))
        whole = top, self.mounts[top].root
        return Found(0, "".join(reversed(parts))) if is_there else self.path(mount, entry, whole)

    def _top(self) -> int:
        """Return the mount at / of the mount namespace."""
        top = self.root[0]
        while self.mounts[self.mounts[top].parent].parent != self.mounts[top].parent:
            top = self.mounts[top].parent
        return top

    def is_apart(self, entry: int) -> bool:
        """Return True if the entry is on the file system that is mounted at /, but not below the mounted directory."""
        top = self.mounts[self._top()]
        at = entry
        while at != top.root and self.entries[at].parent != at:
            at = self.entries[at].parent
        return self.entries[entry].block == top.block and at != top.root

    def random_places(self, chance: random.Random, count: int = 24) -> list[tuple[int, int]]:
        """Return (mount, entry) of files and directories in some file systems and bind mounts that are made here."""
        places = [(1, self.mounts[1].root)]
        for _ in range(count):
            mount, entry = chance.choice(places)
            if chance.random() < 0.2 and len(self.mounts) < 12:
                block = chance.choice((1, 2, 3))
                root = self.entry(None, "/", block) if chance.random() < 0.6 else chance.choice(places)[1]
                number = self.mount(mount, entry, root, self.entries[root].block)
                places.append((number, root))
            else:
                name = chance.choice(NAMES)
                mode = chance.choice((DIRECTORY, DIRECTORY, REGULAR))
                places.append((mount, self.entry(entry, name, self.entries[entry].block, mode)))
        return places


class Made:
    """A tree with the directory /etc/d as working directory, and some open files."""

    def __init__(self, kernel: ctypes.CDLL) -> None:
        self.tree = Tree(kernel)
        self.root = self.tree.mounts[1].root
        self.etc = self.tree.entry(self.root, "etc", 1)
        self.here = self.tree.entry(self.etc, "d", 1)
        kernel.set_cwd(1, self.here)
        self.tree.file(5, 1, self.etc)
        self.tree.file(6, 1, self.root)
        self.tree.file(7, 0, 0)
        pipe = self.tree.entry(None, "pipe:[7]", 3, REGULAR)
        self.tree.file(8, self.tree.mount(2, pipe, self.tree.entry(None, "/", 3), 3), pipe)
        deep = self.root
        for _ in range(6):
            deep = self.tree.entry(deep, "n" * 40, 1)
        self.tree.file(9, 1, deep)
        self.tree.file(10, 1, self.tree.entry(self.root, "ab", 1))


class Memory:
    """A struct of bpf/ in the model, by the names of its members."""

    def __init__(self, struct: str, address: int) -> None:
        self._struct, self.address = struct, address

    def bytes_at(self, member: str, count: int) -> bytes:
        """Return bytes from a member on."""
        return ctypes.string_at(self.address + wire.place(self._struct, member).offset, count)

    def __getitem__(self, member: str) -> int:
        return self.element(member, 0)

    def element(self, member: str, index: int) -> int:
        """Return an element of an array."""
        place = wire.place(self._struct, member)
        found = self.bytes_at(member, place.size * (index + 1))[place.size * index :]
        return int.from_bytes(found, "little", signed=place.signed)

    def put(self, member: str, value: int, element: int = 0) -> None:
        """Write a member, or an element of an array."""
        place = wire.place(self._struct, member)
        raw = (value & (1 << 8 * place.size) - 1).to_bytes(place.size, "little")
        ctypes.memmove(self.address + place.offset + element * place.size, raw, place.size)


def memory(kernel: ctypes.CDLL, struct: str, function: str, *arguments: int) -> Memory:
    """Return the struct to which a function of the model points."""
    get = kernel[function]
    get.restype = ctypes.c_void_p
    return Memory(struct, get(*arguments))


def users_text(kernel: ctypes.CDLL, text: bytes, at: int = 0) -> ctypes.c_uint64:
    """Store a text in the memory of the caller; return its address."""
    kernel.users.restype = ctypes.c_void_p
    place = kernel.users() + at
    ctypes.memmove(place, text + b"\0", len(text) + 1)
    return ctypes.c_uint64(place)


def scratch(kernel: ctypes.CDLL) -> Memory:
    """Return struct filter_scratch."""
    return memory(kernel, "filter_scratch", "filters")
