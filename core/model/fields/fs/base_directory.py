"""The directories that relative paths start from."""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.model.value_types import FieldValue

AT_FDCWD: Final = -100
UNKNOWN: Final = "<UNKNOWN>"
"""Placeholder for a directory that is not known."""

_SECOND_DIRECTORY: Final = 3


def place_of(dirfd: int | None) -> int:
    """Return the path of the call (0 or 1) that the directory's descriptor in this position belongs to."""
    return 0 if dirfd is None or dirfd < _SECOND_DIRECTORY else 1


def base_directory(event: SyscallEvent, dirfd: int | None, place: int = 0) -> str | None:
    """Return the directory that a path of this event is relative to; None if not known.

    `place` counts the paths of the call. The kernel's answer to a live source (`Bases` or `Opened` of
    `core.state.observed`) comes first: the state need not have seen how a descriptor came about.
    """
    reported = _base_at(event.observed, place)
    if reported is not None:
        return reported
    process = event.process
    if process is None or dirfd is None:
        return None
    if dirfd == AT_FDCWD:
        return process.cwd
    file = event.file if dirfd == event.fd else process.file_at(dirfd, event.num)
    return file.name if file is not None and file.kind and file.name else None


def reported_directory(event: SyscallEvent, fd: int) -> str | None:
    """Return the directory of a descriptor in the parameters, if a path starts there and the kernel reported it;
    otherwise None."""
    declared = event_type(event.type)
    for param in () if declared is None else declared.params:
        if param.dirfd is not None and param.dirfd < len(event.args) and event.args[param.dirfd] == fd:
            return _base_at(event.observed, place_of(param.dirfd))
    return None


def _base_at(observed: FieldValue, place: int) -> str | None:
    bases: tuple[str | None, ...] | None = getattr(observed, "bases", None)
    if bases is not None:
        return bases[place] if place < len(bases) else None
    base: str | None = getattr(observed, "base", None) if place == 0 else None
    return base
