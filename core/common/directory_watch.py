"""A watch that reports names that appear in and vanish from directories (inotify), on the event loop or on a waiting
thread."""

import asyncio
import ctypes
import os
import select
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

_CREATE, _DELETE, _MOVED_FROM, _MOVED_TO = 0x100, 0x200, 0x40, 0x80
_IGNORED, _OVERFLOW, _ONLY_DIRECTORY = 0x8000, 0x4000, 0x1000000
_APPEARS: Final = _CREATE | _MOVED_TO
_WATCHED: Final = _APPEARS | _DELETE | _MOVED_FROM
_HEADER: Final = struct.Struct("iIII")
"""The struct inotify_event of inotify(7): watch, mask, cookie, length of the name."""

OnChange = Callable[[Path, bool], None]
"""Function from (path, True if it exists now) to nothing."""


class DirectoryWatch:
    """A watch of directories. `on_change` is called for each name; `on_lost` when the kernel has dropped some (list the
    directories again), or when the first directory has gone."""

    def __init__(self, on_change: OnChange, on_lost: Callable[[], None]) -> None:
        self._on_change, self._on_lost = on_change, on_lost
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._paths: dict[int, Path] = {}
        self._root: int | None = None

    def open(self, *, on_loop: bool = True) -> None:
        """Begin; without the loop changes are reported by `wait`. Raises OSError if there are too many instances
        (fs.inotify.max_user_instances)."""
        self._descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if on_loop:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._descriptor, self._read)

    def wait(self, seconds: float | None, end: int) -> None:
        """Wait for changes and report them, for at most so many seconds, and only until the descriptor `end` has an
        event."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(end, select.POLLIN)
        if self._descriptor in dict(poll.poll(None if seconds is None else seconds * 1000)):
            self._read()

    def add(self, directory: Path) -> None:
        """Watch a further directory. Raises OSError if it does not exist, or there are too many watches."""
        mask = _WATCHED | _ONLY_DIRECTORY
        watch = self._checked(self._libc.inotify_add_watch(self._descriptor, os.fsencode(directory), mask))
        self._paths[watch] = directory
        self._root = watch if self._root is None else self._root

    def close(self) -> None:
        """Close the watch. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            if self._loop is not None:
                self._loop.remove_reader(descriptor)
            os.close(descriptor)
        self._paths.clear()
        self._root = None

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            self._tell(watch, mask, name)

    def _tell(self, watch: int, mask: int, name: bytes) -> None:
        if mask & _OVERFLOW:
            self._on_lost()
        elif mask & _IGNORED:
            self._paths.pop(watch, None)
            if watch == self._root:
                self._on_lost()
        elif name and watch in self._paths:
            self._on_change(self._paths[watch] / os.fsdecode(name), bool(mask & _APPEARS))

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
