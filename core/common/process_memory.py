"""The memory of this process: how much is resident, and how free memory is given back to the kernel."""

import ctypes
import os
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class ResidentMemory:
    """The value of `VmRSS` in /proc/self/status: all pages that are in memory, shared ones and mapped files
    included."""

    def __init__(self, path: Path = Path("/proc/self/statm")) -> None:
        self._path = path
        self._fd: int | None = None

    def read(self) -> int:
        """Return bytes, exact to some hundred pages (the kernel sums up counters of CPUs). Takes a microsecond: the
        file stays open."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return int(os.pread(self._fd, 128, 0).split()[1]) * _PAGE

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def trim() -> None:
    """Give the free pages of malloc's arenas back to the kernel (malloc_trim(3), glibc 2.8 and later), on any thread.

    Python frees whole arenas of small objects by itself. The lock of Python is not held meanwhile. A C library that
    does not have the function returns memory in its own way.
    """
    try:
        release = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return
    release(ctypes.c_size_t(0))
