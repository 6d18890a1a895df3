"""Where a relative path begins."""

from typing import Final

from mozu.core.event import SyscallEvent

AT_FDCWD: Final = -100
UNKNOWN: Final = "<UNKNOWN>"
"""Stands for a directory that nobody knows."""

_SECOND_DIRECTORY: Final = 3


def is_first(dirfd: int) -> bool:
    """Whether the directory's descriptor in this position belongs to the first path of its call (else: the second)."""
    return dirfd < _SECOND_DIRECTORY


def base_directory(event: SyscallEvent, dirfd: int | None, *, from_kernel: bool = True) -> str | None:
    """The directory that a path of this event is relative to; None where it is not known.

    A live source may have asked the kernel (`facts.base`); that answer is about the event's first path, so for a
    second one `from_kernel` is false.
    """
    base = getattr(event.facts, "base", None) if from_kernel else None
    if base is not None:
        return str(base)
    process = event.process
    if process is None or dirfd is None:
        return None
    if dirfd == AT_FDCWD:
        return process.cwd
    file = event.file if dirfd == event.fd else process.file_at(dirfd, event.num)
    return file.name if file is not None and file.kind and file.name else None
