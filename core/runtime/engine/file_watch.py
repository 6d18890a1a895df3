"""Watch of the files from which a configuration was read, by inotify(7): reports when their content has changed.

A file is watched through the directories that lead to it, link by link: an editor replaces the file by a new one
(rename), a Kubernetes ConfigMap replaces the link `..data`, and no event ever names the file itself. After _QUIET
seconds without an event the content of everything is compared with what was read: an event alone means nothing. A write
by another machine to a network file system raises no event; for that, and without inotify, there is SIGHUP.
"""

import asyncio
import ctypes
import errno
import logging
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mozu.core.common.path_steps import ANY, steps
from mozu.core.runtime.engine.file_content import contents_of, members

_log = logging.getLogger("mozu.engine")

_QUIET: Final = 0.1
"""Seconds without an event after which files are compared; several are often written together."""
_LONGEST: Final = 2.0
"""Seconds after which files are compared even if events continue."""
_IN_ATTRIB, _IN_CLOSE_WRITE, _IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
_IN_Q_OVERFLOW, _IN_IGNORED, _IN_ONLYDIR = 0x4000, 0x8000, 0x01000000
_MASK: Final = _IN_ATTRIB | _IN_CLOSE_WRITE | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE | _IN_ONLYDIR
_EVENT: Final = struct.Struct("iIII")
"""struct inotify_event: watch, mask, cookie, length of the name that follows."""

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """The watch of one run. `changed` is called, on the event loop, when watched content has changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._contents: Mapping[Path, bytes] = {}
        self._fd = -1
        self._names: dict[int, set[str]] = {}
        """Watch → names in its directory that matter."""
        self._timer: asyncio.TimerHandle | None = None
        self._first_event = 0.0

    def use(self, contents: Mapping[Path, bytes]) -> None:
        """Watch these files and directories, whether they exist or not, and compare them with this content, which they
        had when they were read (`contents_of`). An empty mapping ends the watch."""
        self._contents = contents
        if not contents:
            self.close()
        elif self._fd >= 0 or self._open():
            self._watch()
            self._compare_soon()

    def close(self) -> None:
        """End the watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd, self._names = -1, {}

    def _open(self) -> bool:
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            _warn(ctypes.get_errno())
            return False
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return True

    def _watch(self) -> None:
        """Watch exactly the directories that contain a link or file on the way to a place."""
        wanted: dict[str, set[str]] = {}
        for place in self._contents:
            for directory, name in steps(place):
                wanted.setdefault(directory, set()).add(name)
            if place.is_dir():
                wanted.setdefault(os.path.realpath(place), set()).add(ANY)
                for file in members(place):
                    for directory, name in steps(file):
                        wanted.setdefault(directory, set()).add(name)
        names: dict[int, set[str]] = {}
        for directory, found in wanted.items():
            watch = _libc.inotify_add_watch(self._fd, os.fsencode(directory), _MASK)
            if watch >= 0:
                names.setdefault(watch, set()).update(found)
            elif ctypes.get_errno() not in (errno.ENOENT, errno.ENOTDIR):
                _warn(ctypes.get_errno())
        for watch in self._names.keys() - names.keys():
            _libc.inotify_rm_watch(self._fd, watch)
        self._names = names

    def _read(self) -> None:
        try:
            raw = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return
        if any(self._matters(*event) for event in _events(raw)):
            self._compare_soon()

    def _matters(self, watch: int, mask: int, name: str) -> bool:
        if mask & _IN_Q_OVERFLOW:
            return True
        if mask & _IN_IGNORED:  # the directory is gone: another may have its name
            return self._names.pop(watch, None) is not None
        names = self._names.get(watch, ())
        return name in names or (ANY in names and not name.startswith("."))

    def _compare_soon(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._timer is None:
            self._first_event = now
        else:
            self._timer.cancel()
        at = min(now + _QUIET, self._first_event + _LONGEST)
        self._timer = asyncio.get_running_loop().call_at(at, self._compare)

    def _compare(self) -> None:
        self._timer = None
        self._watch()
        contents = contents_of(self._contents)
        if contents != self._contents:
            self._contents = contents
            self._changed()


def _events(raw: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield (watch, mask, name) for each event."""
    at = 0
    while at + _EVENT.size <= len(raw):
        watch, mask, _, length = _EVENT.unpack_from(raw, at)
        at += _EVENT.size
        yield watch, mask, os.fsdecode(raw[at : at + length].rstrip(b"\0"))
        at += length


def _warn(number: int) -> None:
    hint = "; raise fs.inotify.max_user_watches or max_user_instances" if number in (errno.ENOSPC, errno.EMFILE) else ""
    _log.warning(
        "files cannot be watched for changes: %s%s; send SIGHUP to reload them", os.strerror(number), hint
    )
