"""A writer of bolt databases, each bucket in one or several pages: all parts of the format that a reader can meet."""

import struct
from pathlib import Path
from typing import Final

PAGE: Final = 4096
Bucket = dict[str, "bytes | Bucket"]


def write_bolt(path: Path, content: Bucket, *, inline: bool = False, transaction: int = 5) -> None:
    """Write a file with this root bucket; with `inline`, small buckets stand within their parents."""
    pages: dict[int, bytes] = {}
    root = _bucket(content, pages, inline=inline)
    pages[0], pages[1] = meta(root, transaction - 1, number=0), meta(root, transaction, number=1)
    pages[2] = struct.pack("=QHHI", 2, 0x10, 0, 0).ljust(PAGE, b"\0")
    path.write_bytes(b"".join(pages[number] for number in range(len(pages))))


def meta(root: int, transaction: int, *, number: int) -> bytes:
    body = struct.pack("=IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, root, 0, 2, 99, transaction)
    checksum = 0xCBF29CE484222325
    for byte in body:
        checksum = (checksum ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return (struct.pack("=QHHI", number, 4, 0, 0) + body + struct.pack("=Q", checksum)).ljust(PAGE, b"\0")


def _bucket(content: Bucket, pages: dict[int, bytes], *, inline: bool) -> int:
    """Add a bucket's pages; return the number of its root page: a leaf, or a branch above leaves of two keys each."""
    values: list[tuple[int, bytes, bytes]] = []
    for key in sorted(content):
        value = content[key]
        if isinstance(value, bytes):
            values.append((0, key.encode(), value))
        elif inline:
            values.append((1, key.encode(), struct.pack("=QQ", 0, 0) + _inline(value)))
        else:
            values.append((1, key.encode(), struct.pack("=QQ", _bucket(value, pages, inline=False), 0)))
    if len(values) <= 2:
        return _add(pages, 2, len(values), _leaves(values))
    parts = [values[at : at + 2] for at in range(0, len(values), 2)]
    children = [(part[0][1], _add(pages, 2, len(part), _leaves(part))) for part in parts]
    table, names = b"", b""
    for at, (first, child) in enumerate(children):
        table += struct.pack("=IIQ", (len(children) - at) * 16 + len(names), len(first), child)
        names += first
    return _add(pages, 1, len(children), table + names)


def _inline(content: Bucket) -> bytes:
    values = [(0, key.encode(), value) for key, value in sorted(content.items()) if isinstance(value, bytes)]
    assert len(values) == len(content), "only small buckets without further ones are inline"
    return struct.pack("=QHHI", 0, 2, len(values), 0) + _leaves(values)


def _leaves(values: list[tuple[int, bytes, bytes]]) -> bytes:
    table, texts = b"", b""
    for at, (flags, key, value) in enumerate(values):
        table += struct.pack("=IIII", flags, (len(values) - at) * 16 + len(texts), len(key), len(value))
        texts += key + value
    return table + texts


def _add(pages: dict[int, bytes], flags: int, count: int, body: bytes) -> int:
    """Add a page, followed by further ones if it is large; return its number."""
    number = max(pages, default=2) + 1
    more = (16 + len(body) - 1) // PAGE
    whole = (struct.pack("=QHHI", number, flags, count, more) + body).ljust((more + 1) * PAGE, b"\0")
    for at in range(more + 1):
        pages[number + at] = whole[at * PAGE : (at + 1) * PAGE]
    return number
