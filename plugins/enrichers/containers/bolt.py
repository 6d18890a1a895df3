"""A reader of bolt databases (go.etcd.io/bbolt) beside the program that writes them: no lock, no package.

The file is pages of a B+tree, copied on write: a transaction writes new pages, then one of two meta pages, and a page
that it freed is overwritten only by a later transaction. So a reader that finds the same meta page before and after its
reads has seen one state; otherwise it reads again. Layout: bbolt's page.go, bucket.go and node.go, in the byte order of
the machine.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

_MAGIC: Final = 0xED0CDAED
_META: Final = struct.Struct("=IIIIQQQQQQ")
"""Meta page: magic, version, page size, flags, root page and sequence of the root bucket, freelist, high water mark,
transaction, checksum."""
_PAGE: Final = struct.Struct("=QHHI")
"""Header of a page: id, flags, number of elements, number of further pages that belong to it."""
_BRANCH: Final = struct.Struct("=IIQ")
"""Element of a branch: position, size of the key, page."""
_LEAF: Final = struct.Struct("=IIII")
"""Element of a leaf: flags, position, sizes of key and value."""
_BUCKET: Final = struct.Struct("=QQ")
"""Bucket: root page (0: the page follows), sequence."""
_BRANCH_PAGE, _LEAF_PAGE = 1, 2
_IS_BUCKET: Final = 1
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_TRIES: Final = 5
_MAX_DEPTH: Final = 32
_MAX_PAGES: Final = 10_000
"""The most pages read of one state: in a file that a user has made, pages may refer to each other in a circle."""
_MAX_NUMBER: Final = 1 << 40
_MAX_PAGE: Final = 16 << 20
"""The most bytes of a page with its further ones: no record of a runtime is as large."""


class BoltError(OSError):
    """A file is no bolt database, or was written more often than it could be read."""


class BoltBucket:
    """A bucket of one state of the database: keys to values, or to further buckets."""

    def __init__(self, file: "_File", page: bytes) -> None:
        self._file, self._page = file, page

    def get(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none, or a bucket."""
        found = self._find(key.encode())
        return None if found is None or found[0] else found[1]

    def bucket(self, *keys: str) -> "BoltBucket | None":
        """Return the bucket below these keys; None if there is none."""
        at = self
        for key in keys:
            found = at._find(key.encode())
            if found is None or not found[0]:
                return None
            at = at._file.bucket(found[1])
        return at

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Yield keys and values, without buckets, in the order of the keys."""
        for is_bucket, key, value in self._file.leaves(self._page, 0):
            if not is_bucket:
                yield key.decode(errors="replace"), value

    def buckets(self) -> Iterator[str]:
        """Yield the keys of the buckets in this one."""
        for is_bucket, key, _ in self._file.leaves(self._page, 0):
            if is_bucket:
                yield key.decode(errors="replace")

    def _find(self, key: bytes) -> tuple[bool, bytes] | None:
        """Return (True if it is a bucket, value) of a key; None if there is none."""
        page = self._page
        for _ in range(_MAX_DEPTH):
            flags = _PAGE.unpack_from(page)[1]
            if flags & _LEAF_PAGE:
                return next(((flag, value) for flag, name, value in _leaf(page) if name == key), None)
            number = None
            for name, child in _branch(page):
                if number is None or name <= key:
                    number = child
            if number is None:
                return None
            page = self._file.page(number)
        raise BoltError("its tree is too deep")


def read_bolt(path: Path, read: Callable[[BoltBucket], T]) -> T:
    """Return the result of `read` for the root bucket of one state. `read` is called again if the database was changed
    meanwhile. Raises OSError if the file does not exist, may not be read, is no bolt database, or was changed at each
    of a few tries."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for _ in range(_TRIES):
            file = _File(descriptor)
            failure: Exception | None = None
            try:
                result = read(BoltBucket(file, file.page(file.root)))
            except (BoltError, struct.error, IndexError) as error:  # of pages that were written again meanwhile
                failure = error
            if _File(descriptor).transaction == file.transaction:
                if failure is not None:
                    raise BoltError(f"{path} is no bolt database that can be read: {failure}") from failure
                return result
    finally:
        os.close(descriptor)
    raise BoltError(f"{path} was changed while it was read, {_TRIES} times")


class _File:
    """The pages of one state of the database."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._left = descriptor, _MAX_PAGES
        first = _meta(os.pread(descriptor, 4096, 0))
        size = first[2] if first is not None else os.sysconf("SC_PAGE_SIZE")
        metas = [meta for meta in (first, _meta(os.pread(descriptor, 4096, size))) if meta is not None]
        if not metas:
            raise BoltError("it has no valid meta page")
        newest = max(metas, key=lambda meta: meta[8])
        self._size, self.root, self.transaction = newest[2], newest[4], newest[8]

    def page(self, number: int) -> bytes:
        """Return a page with its further ones. Raises BoltError."""
        self._left -= 1
        if not self._left or number > _MAX_NUMBER:
            raise BoltError("its pages refer to each other in a circle, or beyond its end")
        page = os.pread(self._descriptor, self._size, number * self._size)
        more = _PAGE.unpack_from(page)[3]
        if (more + 1) * self._size > _MAX_PAGE:
            raise BoltError("a page is too large")
        if more:
            page += os.pread(self._descriptor, more * self._size, (number + 1) * self._size)
        return page

    def bucket(self, value: bytes) -> BoltBucket:
        """Return the bucket whose record is this value."""
        root, _ = _BUCKET.unpack_from(value)
        return BoltBucket(self, self.page(root) if root else value[_BUCKET.size :])

    def leaves(self, page: bytes, depth: int) -> Iterator[tuple[bool, bytes, bytes]]:
        """Yield the leaves of a tree: (True if it is a bucket, key, value)."""
        if depth > _MAX_DEPTH:
            raise BoltError("its tree is too deep")
        if _PAGE.unpack_from(page)[1] & _LEAF_PAGE:
            yield from _leaf(page)
            return
        for _, number in _branch(page):
            yield from self.leaves(self.page(number), depth + 1)


def _meta(page: bytes) -> tuple[int, ...] | None:
    """Return the fields of a meta page; None if it is not valid."""
    if len(page) < _PAGE.size + _META.size:
        return None
    found = _META.unpack_from(page, _PAGE.size)
    checked = page[_PAGE.size : _PAGE.size + _META.size - 8]
    return found if found[0] == _MAGIC and found[9] == _fnv(checked) else None


def _fnv(data: bytes) -> int:
    """Return the FNV-1a hash, 64 bits."""
    found = _FNV_OFFSET
    for byte in data:
        found = (found ^ byte) * _FNV_PRIME & (1 << 64) - 1
    return found


def _branch(page: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield (first key, page) of each child."""
    flags, count = _PAGE.unpack_from(page)[1:3]
    if not flags & _BRANCH_PAGE:
        raise BoltError(f"a page has the flags {flags:#x}")
    for at in range(_PAGE.size, _PAGE.size + count * _BRANCH.size, _BRANCH.size):
        position, size, number = _BRANCH.unpack_from(page, at)
        yield _part(page, at + position, size), number


def _leaf(page: bytes) -> Iterator[tuple[bool, bytes, bytes]]:
    """Yield (True if it is a bucket, key, value) of each element."""
    count = _PAGE.unpack_from(page)[2]
    for at in range(_PAGE.size, _PAGE.size + count * _LEAF.size, _LEAF.size):
        flags, position, key, value = _LEAF.unpack_from(page, at)
        start = at + position
        yield bool(flags & _IS_BUCKET), _part(page, start, key), _part(page, start + key, value)


def _part(page: bytes, at: int, size: int) -> bytes:
    if at + size > len(page):
        raise BoltError("an element ends beyond its page")
    return page[at : at + size]
