"""Helpers with which triggers make calls."""

import ctypes
import os
import struct
from typing import Any

from tests.support.acts.raw import call

__all__ = ["call", "give", "iovecs", "place", "room"]
_kept: list[Any] = []


def room(data: bytes | int) -> int:
    """Allocate memory with these bytes, or with as many zeros; return its address. It stays as long as the process."""
    size = data if isinstance(data, int) else len(data)
    buffer = ctypes.create_string_buffer(b"" if isinstance(data, int) else data, size)
    _kept.append(buffer)
    return ctypes.addressof(buffer)


def place(address: int, form: str) -> tuple[Any, ...]:
    """Return what lies at the address now, unpacked."""
    return struct.unpack("<" + form, ctypes.string_at(address, struct.calcsize("<" + form)))


def iovecs(*parts: bytes | int) -> int:
    """Make an array of struct iovec; return its address."""
    made = [(room(part), part if isinstance(part, int) else len(part)) for part in parts]
    return room(b"".join(struct.pack("<QQ", address, length) for address, length in made))


def give(path: str | os.PathLike[str], content: bytes = b"") -> int:
    """Make a file; return its descriptor, open for reading and writing."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, content)
    os.lseek(fd, 0, 0)
    return fd
