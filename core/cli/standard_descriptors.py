"""Descriptors 0, 1 and 2: a closed one is opened on /dev/null at the start; output that stderr cannot accept is
dropped.

Otherwise the next open, socket or epoll_create would get the descriptor's number and receive printed text; libuv aborts
the process when it closes such a descriptor (uv__close).
"""

import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NAMES: Final = ("stdin", "stdout", "stderr")


def open_missing() -> None:
    """Open closed descriptors, and make the streams that Python therefore set to None."""
    for fd, name in enumerate(_NAMES):
        if not _is_open(fd):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is `fd`
        if getattr(sys, name) is None:
            # Stays open until the process ends, as sys.stdin, sys.stdout or sys.stderr.
            stream = open(fd, "r" if fd == 0 else "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def tolerate_full_stderr() -> None:
    """Make `sys.stderr` drop what cannot be written (a full disk, a terminal that has gone): messages end no run."""
    raw = _LossyFile(sys.stderr.fileno(), "w", closefd=False)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), sys.stderr.encoding, errors="backslashreplace", line_buffering=True
    )


class _LossyFile(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data) or 0
        except BlockingIOError:
            raise
        except OSError:
            return memoryview(data).nbytes


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
