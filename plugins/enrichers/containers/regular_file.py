"""Reads of what another program writes: whole files, bounded, and regular ones only; names of directories."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_LIMIT: Final = 16 << 20
"""The most bytes of a file; no runtime writes files as large."""


def read_regular(path: Path, limit: int = _LIMIT) -> bytes:
    """Return the content. Raises OSError if it is no regular file of at most `limit` bytes; does not follow a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            raise OSError(f"{path} is no regular file of at most {limit} bytes")
        return file.read(limit)


def directories(place: Path) -> Iterator[str]:
    """Yield the names of the directories in a directory; none if it cannot be read."""
    with suppress(OSError), os.scandir(place) as entries:
        yield from (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
