"""Descriptors 0, 1 and 2: one that is closed when the process starts is opened on /dev/null.

Otherwise the next open, socket or epoll_create gets its number, and what is printed ends up there; libuv aborts the
process when it closes such a descriptor (uv__close).
"""

import os
import sys
from typing import Final

_NAMES: Final = ("stdin", "stdout", "stderr")


def open_missing() -> None:
    """Open those that are closed, and give Python the streams that it left out (None) because of that."""
    for fd, name in enumerate(_NAMES):
        if not _is_open(fd):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is `fd`
        if getattr(sys, name) is None:
            # Open until the process ends: it is sys.stdin, sys.stdout or sys.stderr.
            stream = open(fd, "r" if fd == 0 else "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
