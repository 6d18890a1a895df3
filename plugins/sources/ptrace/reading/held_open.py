"""The file of an open, opened by mozu before the call is judged, so that the judged file is the one that the task gets.

The file is looked up from the task's own root and directory; `open` opens that very file as the call requests. mozu
opens it with its own rights, so only for tasks that have the same (rights.py).
"""

import errno
import os
import re
import stat
from typing import Final

from mozu.core.model.event import as_bytes, as_text
from mozu.plugins.sources.ptrace import native, proc_fs
from mozu.plugins.sources.ptrace.reading.foreseen import OPEN_FILE, ForeseenFile, way_of
from mozu.plugins.sources.ptrace.reading.reader import TracedTask
from mozu.plugins.sources.ptrace.reading.sticky import refuses_existing
from mozu.plugins.sources.ptrace.rights import Rights

_TRIES: Final = 5
"""Most attempts for a path that others change while it is looked up."""
_TMPFILE: Final = os.O_TMPFILE
_MEMORY_DEVICES: Final = 1
"""Major number of /dev/null, /dev/zero, /dev/urandom and the like, which every process opens alike."""
_OF_ANOTHER: Final = re.compile(r"/proc/.*/mem")
"""Files for which the kernel checks if the opening process may trace another one; mozu may have more rights."""
_FOR_MOZU: Final = os.O_CLOEXEC | os.O_NOCTTY


class PathChangedError(OSError):
    """The held file is gone, or another has taken its place."""


class HeldOpen:
    """A held file. `file`: descriptor of it (O_PATH); with a `name`, of the directory in which it would be made."""

    def __init__(self, seen: ForeseenFile, file: int, name: str, flags: int, mode: int) -> None:
        self.seen = seen
        self._file, self._name, self._flags, self._mode = file, name, flags, mode
        self.closes_on_exec = bool(flags & os.O_CLOEXEC)

    def open(self, rights: Rights) -> int:
        """Return the descriptor for the task, to be closed by the caller. `rights`: the task's.

        Raises the OSError of the open, and PathChangedError if another process has made the file meanwhile.
        """
        kept = self._flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW) | _FOR_MOZU
        if not self._name and self._flags & _TMPFILE != _TMPFILE:
            return os.open(f"/proc/self/fd/{self._file}", kept)
        if not self._name:
            made = os.open(f"/proc/self/fd/{self._file}", kept | self._flags & os.O_EXCL, self._mode)
        else:
            made = self._made(kept | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        if rights.umask != rights.own_umask:
            os.fchmod(made, self._mode & ~rights.umask & 0o7777)
        return made

    def _made(self, flags: int) -> int:
        try:
            return os.open(as_bytes(self._name), flags, self._mode, dir_fd=self._file)
        except FileExistsError as error:
            if self._flags & os.O_EXCL:
                raise
            raise PathChangedError(error.errno, error.strerror) from error

    def close(self) -> None:
        """Close the held descriptor. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def hold(task: TracedTask, base: str | None, path: str, flags: int, mode: int) -> HeldOpen | None:
    """Return the file that an open of this path would reach; None if only the task itself can open it. `base`:
    directory of a relative path.

    Raises the OSError of the open; errors of the file itself are raised by `open`.
    """
    if flags & os.O_PATH:  # a listener gives no such descriptor (EBADF); nothing can be read from it
        return None
    whole = path if path.startswith("/") else f"{base}/{path}"
    if not path:
        raise _error(errno.ENOENT)
    follows = not flags & os.O_NOFOLLOW and flags & (os.O_CREAT | os.O_EXCL) != os.O_CREAT | os.O_EXCL
    for _ in range(_TRIES):
        way = way_of(task, whole, follow=follows, asks=True)
        if way is None:
            break
        try:
            return _hold(task, way, path, flags, mode)
        except PathChangedError:
            continue
    raise _error(errno.ELOOP)


def _hold(task: TracedTask, way: str, path: str, flags: int, mode: int) -> HeldOpen | None:
    named_as_directory = path.endswith(("/", "/.", "/.."))
    try:
        file = _opened(task, way, flags & os.O_NOFOLLOW | (os.O_DIRECTORY if named_as_directory else 0))
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
        if named_as_directory:
            raise _error(errno.EISDIR) from None
        return _to_be_made(task, way, flags, mode)
    try:
        held = _found(task, way, file, flags, mode)
    except OSError:
        os.close(file)
        raise
    if held is None:
        os.close(file)
    return held


def _opened(task: TracedTask, way: str, flags: int) -> int:
    """Return an O_PATH descriptor of a path without links, except perhaps at its end. Raises OSError."""
    if OPEN_FILE.match(way):
        return os.open(as_bytes(f"/proc/{task.tid}/root{way}"), os.O_PATH | os.O_CLOEXEC | flags)
    root = os.open(f"/proc/{task.tid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags |= os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        return native.open_without_links(root, as_bytes(way.lstrip("/") or "."), flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PathChangedError(errno.ELOOP, "a link has appeared on the way") from error
        raise
    finally:
        os.close(root)


def _found(task: TracedTask, way: str, file: int, flags: int, mode: int) -> HeldOpen | None:
    known = os.fstat(file)
    kind = stat.S_IFMT(known.st_mode)
    if flags & os.O_CREAT:
        if flags & os.O_EXCL:
            raise _error(errno.EEXIST)
        if kind == stat.S_IFDIR:
            raise _error(errno.EISDIR)
        if refuses_existing(f"/proc/{task.tid}/root{way}", known.st_uid):
            raise _error(errno.EACCES)
    if kind == stat.S_IFLNK:
        if flags & os.O_NOFOLLOW:
            raise _error(errno.ELOOP)
        raise PathChangedError(errno.ELOOP, "a link has appeared at the end")
    is_memory_device = kind == stat.S_IFCHR and os.major(known.st_rdev) == _MEMORY_DEVICES
    if kind not in (stat.S_IFREG, stat.S_IFDIR) and not is_memory_device:
        return None
    text = as_text(os.readlink(f"/proc/self/fd/{file}".encode()))
    shown = proc_fs.inside_root(task.tid, text if known.st_nlink else text.removesuffix(" (deleted)"))
    if _OF_ANOTHER.fullmatch(shown):
        return None
    place = f"/proc/self/fd/{file}"
    return HeldOpen(ForeseenFile(shown if shown.startswith("/") else way, place, known, 0), file, "", flags, mode)


def _to_be_made(task: TracedTask, way: str, flags: int, mode: int) -> HeldOpen:
    above, _, name = way.rpartition("/")
    file = _opened(task, above or "/", os.O_DIRECTORY)
    shown = proc_fs.inside_root(task.tid, as_text(os.readlink(f"/proc/self/fd/{file}".encode())))
    seen = ForeseenFile(f"{shown.rstrip('/')}/{name}", "", None, 0)
    return HeldOpen(seen, file, name, flags, mode)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
