"""Files that mozu writes, opened where another user could have put something in the way.

In a directory that others may write, any name may be theirs: a symbolic link to a file of root's, a hard link to one, a
FIFO that never opens, a file that they keep reading or changing. So each step on the way to a file that is to be
written, and the file itself, must satisfy the following if its directory is shared: it belongs to root or to mozu's own
user, and a file has no second name. Directories are opened one below the other, and the objects that were checked are
those that are opened: nothing can be exchanged in between.
"""

import errno
import os
import stat
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Final

_MAX_LINKS: Final = 40
"""The kernel's MAXSYMLINKS."""
_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEDY: Final = "give a path in directories that only mozu's user may write"


class UnsafePath(PermissionError):
    """Raised for an object in the way that another user could have put there."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(errno.EPERM, f"{path} is not written: {found}; {_REMEDY}")


def open_own(path: Path, flags: int, mode: int = 0o600, *, makes_folders: bool = False) -> int:
    """Open a file to write it (flags of open(2)), made with O_CREAT if it does not exist; return its descriptor.

    `makes_folders`: missing directories on the way are made, for mozu's user only. With O_NOFOLLOW the file may be no
    link, wherever it is. Raises OSError, or UnsafePath if another user has, or may have, put something there.
    """
    with ExitStack() as stack:
        folder, name, found = _walk(path, stack, makes_folders=makes_folders, follows=not flags & os.O_NOFOLLOW)
        while True:
            if found is not None:
                if flags & os.O_EXCL:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
                _check(path, folder, found)
                return os.open(f"/proc/self/fd/{found}", flags & ~os.O_CREAT & ~os.O_NOFOLLOW | os.O_CLOEXEC)
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            try:
                return os.open(name, flags | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
            except FileExistsError:  # made in this moment
                found = _look(name, folder, stack)


def write_own(path: Path, content: bytes) -> None:
    """Write a whole file, replacing its content. Raises OSError, UnsafePath."""
    descriptor = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with open(descriptor, "wb") as file:
        file.write(content)


def check_own(path: Path) -> None:
    """Check, without opening it, that `open_own` would open the file; for libraries that open files by their names, and
    detect other errors themselves. Raises UnsafePath."""
    with ExitStack() as stack:
        try:
            folder, _, found = _walk(path, stack)
            if found is not None:
                _check(path, folder, found)
        except UnsafePath:
            raise
        except OSError:
            return


def is_shared(folder: os.stat_result) -> bool:
    """Return True if a user other than root and mozu's own may write to the directory; the group of mozu's user does
    not count as another."""
    mode = folder.st_mode
    by_group = bool(mode & stat.S_IWGRP) and folder.st_gid not in (0, os.getegid())
    return not _is_own(folder) or bool(mode & stat.S_IWOTH) or by_group


def _walk(
    path: Path, stack: ExitStack, *, makes_folders: bool = False, follows: bool = True
) -> tuple[int, str, int | None]:
    """Return the directory of the file, the name in it, and the object with this name (both opened with O_PATH), None
    if there is none."""
    parts, links = deque(path.absolute().parts[1:]), 0
    folder = _opened("/", None, stack)
    while parts:
        name = parts.popleft()
        found = _look(name, folder, stack)
        if found is None and parts and makes_folders:
            os.mkdir(name, 0o700, dir_fd=folder)
            found = _look(name, folder, stack)
        if found is None:
            if parts:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            return folder, name, None
        status = os.fstat(found)
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > _MAX_LINKS or not (parts or follows):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            if is_shared(os.fstat(folder)) and not _is_own(status):
                raise UnsafePath(path, f"{name} on the way is a symbolic link of uid {status.st_uid}")
            target = os.readlink("", dir_fd=found)
            if _is_of_kernel(folder):
                return folder, name, _opened(name, folder, stack)
            if target.startswith("/"):
                folder = _opened("/", None, stack)
            parts.extendleft(reversed([part for part in target.split("/") if part not in ("", ".")]))
        elif parts:
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
            folder = found
        else:
            return folder, name, found
    return folder, ".", folder


def _check(path: Path, folder: int, found: int) -> None:
    """Raise UnsafePath if the file may be another user's."""
    status = os.fstat(found)
    if not is_shared(os.fstat(folder)):
        return
    if not _is_own(status):
        raise UnsafePath(path, f"it belongs to uid {status.st_uid}, and others may write its directory")
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        raise UnsafePath(path, "it has a second name (a hard link), and others may write its directory")


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid())


def _is_of_kernel(folder: int) -> bool:
    """Return True for /proc/PID/fd, whose links lead to open files, independent of their text."""
    return os.fstat(folder).st_dev == os.stat("/proc").st_dev and os.readlink(f"/proc/self/fd/{folder}").endswith("/fd")


def _look(name: str, folder: int, stack: ExitStack) -> int | None:
    try:
        found = os.open(name, _LOOK, dir_fd=folder)
    except FileNotFoundError:
        return None
    stack.callback(os.close, found)
    return found


def _opened(name: str, folder: int | None, stack: ExitStack) -> int:
    found = os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=folder)
    stack.callback(os.close, found)
    return found
