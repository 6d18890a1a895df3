"""Reads of files below the root directory of a container, which may be hostile, and never outside of it (openat2).

The kernel resolves the path (openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS): absolute links and `..` end
inside the root. The file is first only located (O_PATH), then checked, and opened for reading only if it is a regular
one, so that no device, pipe or socket is touched. Reading stops at a limit.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mozu.core.common.rooted_open import open_in_root

Stamp = tuple[int, int, int, int]
"""Device, inode, size and mtime (ns) of a file: equal for an unchanged file."""

ABSENT: Final[Stamp] = (0, 0, 0, 0)


def read(root: int, path: str, *, limit: int, unless: Stamp | None = None) -> tuple[Stamp, bytes | None]:
    """Return the stamp and the content of a regular file below the directory descriptor `root`.

    The content is None if the stamp equals `unless`, and for a file that is absent, not regular, or larger than `limit`
    bytes (the stamp shows which: ABSENT, or that of the file). Raises OSError for other reasons.
    """
    try:
        with _located(root, path) as place:
            found = os.fstat(place)
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp == unless or not stat.S_ISREG(found.st_mode) or found.st_size > limit:
                return stamp, None
            with open(f"/proc/self/fd/{place}", "rb", buffering=0) as file:
                return stamp, _whole(file.fileno(), limit)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return ABSENT, None
        raise


@contextmanager
def _located(root: int, path: str) -> Iterator[int]:
    descriptor = open_in_root(root, path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _whole(descriptor: int, limit: int) -> bytes | None:
    """Return the whole content; None if it grew beyond the limit while it was read."""
    parts: list[bytes] = []
    size = 0
    while part := os.read(descriptor, 1 << 16):
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)
