"""Calls that turn a path into a descriptor."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from mozu.core.model.event import File, Process, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Entered, Opened
from mozu.core.state.paths import UNKNOWN_BASE, directory, join
from mozu.core.state.state import State
from mozu.core.state.transitions.use import result_of

AT_FDCWD: Final = -100
_FLAGS: Final = dict(flag_table("file_flags"))
_DIRECTORY, _UPPER, _LOWER = _FLAGS["O_DIRECTORY"], _FLAGS["FD_UPPER_LAYER"], _FLAGS["FD_LOWER_LAYER"]
_KNOWN_AT_EXIT: Final = ~(_FLAGS["O_F_CREATED"] - 1)
"""Flags that only the exit of the call knows."""
_CREAT: Final = dict(flag_table("creat_flags"))
_NO_PATH: Final = "<NA>"
"""Placeholder for a path that could not be read."""


def base_of(process: Process, dirfd: int | None) -> str:
    """Return the directory that a relative path starts from, with a slash at its end; empty if it has no name."""
    if dirfd == AT_FDCWD:
        return process.cwd
    file = None if dirfd is None else process.task.files.get(dirfd)
    if file is None:
        return UNKNOWN_BASE
    return directory(file.name) if file.name else ""


def _opened(
    state: State, event: SyscallEvent, path: str | None, dirfd: int | None, flags: int, place: tuple[int, int]
) -> None:
    """Set the descriptor of a path, seen from `dirfd`; `place` is (device, inode) as events hold them."""
    process = event.process
    if process is None:
        return
    fd = result_of(event)
    reported = event.file
    observed = event.observed
    realpath = reported.realpath if reported is not None else None
    base = None
    if observed.__class__ is Opened:
        base, realpath = observed.base, observed.realpath or realpath
    if path is None and fd < 0:
        event.fd, event.file = -1, None
        return
    raw = _NO_PATH if path is None else path
    name = join(directory(base) if base else base_of(process, dirfd), raw)
    if fd < 0:
        event.fd, event.file = -1, File("", name, raw)
        return
    dev, ino = place
    if reported is not None:
        kind, dev, ino, flags = reported.kind, reported.dev, reported.ino, reported.flags or flags
    else:
        kind, dev = ("directory" if flags & _DIRECTORY else "file"), device(dev)
    upper = flags & _UPPER != 0 or (reported is not None and reported.upper_layer)
    lower = flags & _LOWER != 0 or (reported is not None and reported.lower_layer)
    state.put(event, fd, File(kind, name, raw, realpath, flags, dev, ino, upper, lower, name_changed=True))


@lru_cache(maxsize=256)
def device(encoded: int) -> int:
    """Return the kernel's own device number for the number that it passes to user space."""
    major = encoded >> 8 & 0xFFF
    minor = (encoded & 0xFF) | (encoded >> 12 & 0xFFF00)
    return major << 20 | minor


def entered(state: State, event: SyscallEvent) -> Entered | None:
    """Return the enter event of the same call; None if there was none."""
    if not state.entered:
        return None
    begun = state.entered.pop(event.tid, None)
    return begun if begun is not None and begun.type == event.type else None


def _is_reported(state: State, event: SyscallEvent) -> bool:
    """Return True if the source has made the file, and set the descriptor to it."""
    observed, fd, file = event.observed, event.fd, event.file
    if observed.__class__ is not Opened or not observed.named or event.process is None:
        return False
    if fd is not None and fd >= 0 and file is not None:
        state.put(event, fd, file)
    return True


def _at(args: tuple[Any, ...], index: int) -> int:
    return (args[index] or 0) if index < len(args) else 0


def _open(state: State, event: SyscallEvent) -> None:
    if _is_reported(state, event):
        return
    args = event.args
    path, flags = args[1], args[2] or 0
    begun = entered(state, event)
    if begun is not None and begun.args[0]:
        path, flags = begun.args[0], (begun.args[1] or 0) | flags & _KNOWN_AT_EXIT
    _opened(state, event, path, AT_FDCWD, flags, (_at(args, 4), _at(args, 5)))


def _creat(state: State, event: SyscallEvent) -> None:
    if _is_reported(state, event):
        return
    args = event.args
    path = args[1]
    begun = entered(state, event)
    if begun is not None and begun.args[0]:
        path = begun.args[0]
    layer = _at(args, 5)
    flags = _UPPER if layer & _CREAT["FD_UPPER_LAYER_CREAT"] else 0
    if not flags and layer & _CREAT["FD_LOWER_LAYER_CREAT"]:
        flags = _LOWER
    _opened(state, event, path, AT_FDCWD, flags, (_at(args, 3), _at(args, 4)))


def _openat(place: int) -> Callable[[State, SyscallEvent], None]:
    def openat(state: State, event: SyscallEvent) -> None:
        if _is_reported(state, event):
            return
        args = event.args
        dirfd, path, flags = args[1], args[2], args[3] or 0
        begun = entered(state, event)
        if begun is not None and begun.args[1]:
            dirfd, path = begun.args[0], begun.args[1]
            flags = (begun.args[2] or 0) | flags & _KNOWN_AT_EXIT
        _opened(state, event, path, dirfd, flags, (_at(args, place), _at(args, place + 1)))

    return openat


def _by_handle(state: State, event: SyscallEvent) -> None:
    """Set a descriptor opened by handle: the kernel reports the whole path, which needs no directory."""
    args = event.args
    path = args[3]
    if path and not path.startswith("/"):
        path = "/" + path if state.live else path
    _opened(state, event, path, None, args[2] or 0, (_at(args, 4), _at(args, 5)))


TRANSITIONS: Final = {
    "open": _open,
    "creat": _creat,
    "openat": _openat(5),
    "openat2": _openat(6),
    "open_by_handle_at": _by_handle,
}
