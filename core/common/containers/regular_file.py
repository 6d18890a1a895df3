"""Reading a file that another program writes: whole, bounded, and never anything but a regular file."""

import os
import stat
from pathlib import Path
from typing import Final

_LIMIT: Final = 16 << 20
"""Bytes of a file; no runtime writes files as large."""


def read_regular(path: Path, limit: int = _LIMIT) -> bytes:
    """The content. Raises OSError where it is no regular file of at most `limit` bytes; does not follow a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            raise OSError(f"{path} is no regular file of at most {limit} bytes")
        return file.read(limit)
