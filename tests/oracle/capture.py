"""A writer of recordings for tests and benchmarks, which follows the format's description block by block."""

import gzip
import struct
from typing import Any

from mozu.core.model.event import SockAddr, SockTuple
from mozu.plugins.sources.replay.layouts import EventLayout, layouts
from mozu.plugins.sources.replay.params import FIXED, TEXTS

SECTION = struct.pack("<IIIHHQI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 2, 0xFFFFFFFFFFFFFFFF, 28)
EPOCH = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z in ns."""


def block(kind: int, body: bytes) -> bytes:
    """Return a block of any kind: padded, with its length on both sides."""
    padded = body + bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(padded) + 12) + padded + struct.pack("<I", len(padded) + 12)


def str16(text: str | bytes) -> bytes:
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return struct.pack("<H", len(raw)) + raw


def listed(items: tuple[str, ...]) -> bytes:
    return str16("".join(f"{item}\0" for item in items))


def encode(encoding: str, value: Any) -> bytes:
    """Return the bytes of a parameter; None stands for the absent value."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if encoding in FIXED:
        return struct.pack("<" + FIXED[encoding], value)
    if encoding in TEXTS:
        return str(value).encode("utf-8", "surrogateescape") + b"\0"
    if encoding == "FDLIST":
        return struct.pack("<H", len(value)) + b"".join(struct.pack("<qH", *pair) for pair in value)
    if isinstance(value, SockAddr):
        rest = value.path.encode() + b"\0" if value.family == 1 else value.address + struct.pack("<H", value.port)
        return bytes([value.family]) + rest
    if isinstance(value, SockTuple):
        head = bytes([value.family])
        if value.family == 1:
            return head + struct.pack("<QQ", value.source_pointer, value.dest_pointer) + value.path.encode() + b"\0"
        ends = value.source + struct.pack("<H", value.sport) + value.dest + struct.pack("<H", value.dport)
        return head + ends
    raise TypeError(f"{encoding} cannot hold {value!r}")


def today(name: str) -> EventLayout:
    """Return the layout in which today's recorders write an event of this name."""
    fitting = [
        layout
        for layout in layouts().values()
        if layout.name == name and "old" not in layout.traits and (layout.is_exit or layout.kind != "syscall")
    ]
    return fitting[-1]


def event(number: int, params: list[bytes], *, time: int = EPOCH, tid: int = 1, cpu: int = 0) -> bytes:
    """Return the block of an event (0x216, or 0x221 for types with a large payload)."""
    large = "large" in layouts()[number].traits
    lengths = b"".join(struct.pack("<I" if large else "<H", len(param)) for param in params)
    data = lengths + b"".join(params)
    head = struct.pack("<HQqIHI", cpu, time, tid, 26 + len(data), number, len(params))
    return block(0x221 if large else 0x216, head + data)


class Capture:
    """Collector of blocks; `bytes` is the file."""

    def __init__(self) -> None:
        self.blocks = [SECTION]
        self.time = EPOCH

    def add(self, raw: bytes) -> "Capture":
        self.blocks.append(raw)
        return self

    def machine(self) -> "Capture":
        return self.add(block(0x201, struct.pack("<IQQ128sQQQQ", 2, 1 << 30, 1 << 15, b"node", 0, 0, 0, 0)))

    def process(self, tid: int, name: str, **known: Any) -> "Capture":
        """Add a process-list block (version 9) with one entry."""
        get = known.get
        exe = get("exe", f"/usr/bin/{name}")
        body = struct.pack("<QQQQQ", tid, get("pid", tid), get("ptid", 1), get("sid", tid), get("vpgid", tid))
        body += str16(name) + str16(exe) + str16(get("exepath", exe)) + listed(get("args", ())) + str16(get("cwd", "/"))
        body += struct.pack("<qIII", 1024, get("flags", 0), get("uid", 0), get("gid", 0))
        body += struct.pack("<IIIQQ", 100, 50, 0, 1, 2) + listed(get("env", ()))
        body += struct.pack("<qq", get("vtid", tid), get("vpid", tid)) + listed(get("cgroups", ())) + str16("/")
        body += struct.pack("<QIIBQQQBQQQBBq", 0, get("tty", 0), get("loginuid", 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, tid)
        return self.add(block(0x215, struct.pack("<I", len(body) + 4) + body))

    def files(self, tid: int, *paths: tuple[int, str]) -> "Capture":
        """Add a descriptor-list block (version 2) of plain files."""
        body = struct.pack("<Q", tid)
        for fd, path in paths:
            entry = struct.pack("<qQBI", fd, 7, 16, 1) + str16(path) + struct.pack("<I", 0x801)
            body += struct.pack("<I", len(entry) + 4) + entry
        return self.add(block(0x218, body))

    def user(self, uid: int, name: str, home: str = "/home", shell: str = "/bin/sh") -> "Capture":
        """Add a user-list block (version 2) with one user."""
        body = struct.pack("<BII", 0, uid, uid) + str16(name) + str16(home) + str16(shell)
        return self.add(block(0x220, struct.pack("<I", len(body) + 4) + body))

    def event(self, name: str, tid: int, *args: Any, number: int | None = None, **keywords: Any) -> "Capture":
        """Add an event in today's layout, or in that of `number`; the clock moves on by a microsecond."""
        layout = today(name) if number is None else layouts()[number]
        self.time += 1000
        params = [encode(encoding, value) for encoding, value in zip(layout.encodings, args, strict=False)]
        return self.add(event(layout.id, params, time=keywords.pop("time", self.time), tid=tid, **keywords))

    def raw(self) -> bytes:
        """Return the file, not compressed."""
        return b"".join(self.blocks)

    def gzip(self) -> bytes:
        """Return the file as recorders write it, compressed by gzip."""
        return gzip.compress(self.raw(), 6, mtime=0)
