"""Reader of open, openat, openat2, creat."""

import errno
import os
import struct
from typing import Any, Final, NamedTuple

from mozu.core.abi.integers import signed32
from mozu.core.abi.spec import SyscallSpec
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import convert_flags, convert_open_flags, creat_flags, open_mode
from mozu.core.state.observed import Opened
from mozu.core.state.paths import directory, join
from mozu.plugins.sources.ptrace import memory, proc_fs
from mozu.plugins.sources.ptrace.reading.foreseen import UNUSED_FD, ForeseenFile, look_up
from mozu.plugins.sources.ptrace.reading.held_open import HeldOpen, hold
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_CREAT, _EXCL, _DIRECTORY, _TMPFILE = 0o100, 0o200, 0o200000, 0o20000000
_NOFOLLOW: Final = 0o400000
_CREAT_FLAGS: Final = 0o1101
"""O_CREAT | O_WRONLY | O_TRUNC."""
_HOW: Final = struct.Struct("<QQQ")


class _OpenArgs(NamedTuple):
    dirfd: int
    path: str | None
    native: int
    mode: int
    resolve: int
    base: str | None
    """Directory of a relative path."""
    creates: bool
    """True if O_CREAT is set, and no such file existed at entry."""


class OpenReader:
    """Reader of opens: paths and flags at entry, the descriptor at exit."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name = spec.name
        self._context = context

    def enter(self, task: TracedTask) -> _OpenArgs:
        """Return the path, the flags, and the directory that the path starts from."""
        a = task.args
        dirfd, address, resolve = proc_fs.AT_FDCWD, a[0], 0
        if self.name == "open":
            native, mode = a[1], a[2]
        elif self.name == "creat":
            native, mode = _CREAT_FLAGS, a[1]
        else:
            dirfd, address = signed32(a[0]), a[1]
            native, mode = a[2], a[3]
            if self.name == "openat2":
                raw = memory.data(task.tid, a[2], _HOW.size)
                native, mode, resolve = _HOW.unpack(raw) if raw else (0, 0, 0)
        native, mode = native & 0xFFFFFFFF, mode & 0xFFFFFFFF
        path = text(task, address)
        relative = (path or "")[:1] != "/"
        base = proc_fs.base_directory(task.tid, dirfd) if relative else None
        creates = bool(native & _CREAT) and (
            bool(native & _EXCL) or not proc_fs.exists(task.tid, base, path or "")
        )
        return _OpenArgs(dirfd, path, native, mode, resolve, base, creates or native & _TMPFILE == _TMPFILE)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event, with the opened file."""
        call: _OpenArgs = task.at_entry
        fd_info = proc_fs.fd_info(task.tid, result)
        flags = convert_open_flags(call.native, created=call.creates and result >= 0)
        real, dev, device, ino = None, 0, 0, 0
        if fd_info is not None:
            real = self._context.real_path(task.tid, result, fd_info)
            dev, device, ino = fd_info.dev, fd_info.encoded_dev, fd_info.ino
        path = call.path or ""
        base = call.base
        full = path if base is None and path[:1] != "/" else join(directory(base) if base else "/", path)
        kind = "" if result < 0 else "directory" if call.native & _DIRECTORY else "file"
        file = File(kind, full, path, real, flags, dev, ino)
        fd = result if result >= 0 else -1
        args = self._args(call, result, flags, device, ino)
        return (event(self.name, task, args, fd=fd, file=file, observed=Opened(base, real)),)

    def foresee(self, task: TracedTask) -> tuple[SyscallEvent, ...]:
        """Return the event of an open that the kernel does as requested, or with the error that it would return."""
        call: _OpenArgs = task.at_entry
        seen = look_up(task, call.base, call.path or "", follow=not call.native & (_NOFOLLOW | _EXCL))
        return self._foreseen(task, seen, _error(task, call, seen))

    def hold(self, task: TracedTask) -> HeldOpen | None:
        """Return the file that the open would reach, to be closed by the caller; None if mozu cannot open it as the
        task would.

        Raises the OSError of the open.
        """
        call: _OpenArgs = task.at_entry
        if call.resolve:
            return None
        if call.path is None:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        if call.path[:1] != "/" and call.base is None:
            number = errno.EBADF if proc_fs.fd_info(task.tid, call.dirfd) is None else errno.ENOTDIR
            raise OSError(number, os.strerror(number))
        return hold(task, call.base, call.path, call.native, call.mode)

    def foresee_held(self, task: TracedTask, held: HeldOpen) -> tuple[SyscallEvent, ...]:
        """Return the same as `foresee`, for the held file."""
        return self._foreseen(task, held.seen, 0)

    def _foreseen(self, task: TracedTask, seen: ForeseenFile, error: int) -> tuple[SyscallEvent, ...]:
        call: _OpenArgs = task.at_entry
        path = call.path or ""
        result = error or UNUSED_FD
        flags = convert_open_flags(call.native, created=call.creates and not error)
        kind = "" if error else "directory" if call.native & _DIRECTORY else "file"
        base = call.base
        full = path if base is None and path[:1] != "/" else join(directory(base) if base else "/", path)
        device = ino = 0
        if seen.found is not None and not error:
            device, ino = seen.found.st_dev, seen.found.st_ino
        dev = os.major(device) << 20 | os.minor(device)
        real = f"{seen.path}/#" if call.native & _TMPFILE == _TMPFILE else seen.path
        file = File(kind, full, path, None if error else real, flags, dev, ino, name_changed=not error)
        args = self._args(call, result, flags, device, ino)
        return (event(self.name, task, args, fd=-1 if error else result, file=file),)

    def _args(self, call: _OpenArgs, result: int, flags: int, device: int, ino: int) -> tuple[Any, ...]:
        mode = open_mode(call.native, call.mode)
        if self.name == "open":
            return result, call.path, flags, mode, device, ino
        if self.name == "creat":
            return result, call.path, mode, device, ino, creat_flags()
        if self.name == "openat":
            return result, call.dirfd, call.path, flags, mode, device, ino
        resolve = convert_flags("openat2_flags", call.resolve)
        return result, call.dirfd, call.path, flags, mode, resolve, device, ino


def _error(task: TracedTask, call: _OpenArgs, seen: ForeseenFile) -> int:
    """Return the negative error of the open; 0 if none is foreseen. Permissions are not checked, since the task's may
    differ from this process's."""
    if seen.error == -errno.ENOENT and call.native & _CREAT:
        above = look_up(task, call.base, os.path.dirname(seen.path) or "/")
        return 0 if above.error == -errno.EACCES else above.error
    if not seen.error and call.native & _CREAT and call.native & _EXCL:
        return -errno.EEXIST
    return 0 if seen.error == -errno.EACCES else seen.error
