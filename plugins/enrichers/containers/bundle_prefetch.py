"""A thread that reads a runtime's files about a new container as soon as they exist.

While the event loop works off a burst of events, or has no processor, a container may start, run and be gone with all
of its files. This thread waits for nothing but the directories, so their content is available when the loop asks for
it.
"""

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from mozu.core.common.directory_watch import DirectoryWatch
from mozu.core.common.path_steps import steps
from mozu.plugins.enrichers.containers.bundle_watch import BundleFolders

T = TypeVar("T")

_LIMIT: Final = 1024
"""The most containers whose files are kept; the oldest are evicted."""
_PAUSE: Final = 1.0
"""Seconds before another try if the kernel refuses a watch."""
_SHORT_PAUSE: Final = 0.002
_LONG_PAUSE: Final = 0.05
"""Seconds between two reads of files that are not complete yet: the first, and the longest; each is half as long again
as the one before."""


class _Pending(msgspec.Struct):
    """A container whose files are not complete yet. Times are of the monotonic clock, in seconds."""

    until: float
    """Time of the last read."""
    due: float
    pause: float = _SHORT_PAUSE


class BundlePrefetch(Generic[T]):
    """A cache of files read early. `read` returns the content of a container's files and True if it is complete, or
    None if they hold nothing yet; it may block.

    Incomplete content is kept until there is more: the files may be gone before the rest can be read.
    """

    def __init__(
        self, folders: BundleFolders, read: Callable[[str], tuple[T, bool] | None], seconds: float = 1.0
    ) -> None:
        """Set up the cache. `seconds`: time for which incomplete files are read again."""
        self._folders, self._read, self._seconds = folders, read, seconds
        self._found: dict[str, T] = {}
        self._pending: dict[str, _Pending] = {}
        self._end = -1
        """The writing end of a pipe; the thread ends when it is closed."""
        self._is_lost = False
        self._ways: set[Path] = set()
        """Directories and links on the path to the root."""

    def get(self, full_id: str) -> T | None:
        """Return the data read when the container appeared; None if there is none."""
        return self._found.get(full_id)

    def forget(self, full_id: str) -> None:
        """Free the data read, 9 KiB, once it has been used. Callable on any thread."""
        self._pending.pop(full_id, None)
        self._found.pop(full_id, None)

    def start(self) -> None:
        """Start the thread; containers that exist already are not read."""
        ended, self._end = os.pipe()
        threading.Thread(target=self._run, args=(ended,), name="mozu-bundles", daemon=True).start()

    def stop(self) -> None:
        """Tell the thread to end soon. Idempotent."""
        end, self._end = self._end, -1
        if end >= 0:
            os.close(end)

    def _run(self, ended: int) -> None:
        try:
            while not _has_ended(ended, 0.0):
                try:
                    self._follow(ended)
                except OSError:
                    _has_ended(ended, _PAUSE)
        finally:
            os.close(ended)

    def _follow(self, ended: int) -> None:
        """Follow the directories until names were lost, the root is replaced or removed, or the thread is to end.
        Raises OSError if there are too many watches."""
        watch = DirectoryWatch(lambda path, is_there: self._changed(watch, path, is_there=is_there), self._lost)
        watch.open(on_loop=False)
        self._is_lost = False
        try:
            self._ways = _ways(self._folders.root)
            for way in self._ways:
                with suppress(OSError):
                    watch.add(way.parent)
            with suppress(FileNotFoundError):
                watch.add(self._folders.root)
            for folder in self._folders.folders():
                self._add(watch, folder)
            if self._ways != _ways(self._folders.root):
                return  # something appeared before it was watched
            while not self._is_lost and not _has_ended(ended, 0.0):
                watch.wait(self._pause(), ended)
                self._look()
        finally:
            watch.close()

    def _lost(self) -> None:
        self._is_lost = True

    def _changed(self, watch: DirectoryWatch, path: Path, *, is_there: bool) -> None:
        root = self._folders.root
        if path in self._ways:
            self._lost()  # the root was replaced or removed
        elif is_there and path.parent == root:
            for full_id in self._add(watch, path.name):
                self._appeared(full_id)
        elif is_there and path.parent.parent == root and self._folders.is_id(path.name):
            self._appeared(path.name)

    def _add(self, watch: DirectoryWatch, folder: str) -> list[str]:
        """Watch a folder, if it counts, and return the containers that it already has."""
        with suppress(OSError):
            if self._folders.is_folder(folder):
                watch.add(self._folders.root / folder)
                return self._folders.ids(folder)
        return []

    def _appeared(self, full_id: str) -> None:
        self._found.pop(full_id, None)  # left from an earlier container with this id
        now = time.monotonic()
        self._pending[full_id] = _Pending(now + self._seconds, now)

    def _pause(self) -> float | None:
        """Return the seconds until a read is due; None if none is pending."""
        due = min((one.due for one in list(self._pending.values())), default=None)
        return None if due is None else max(due - time.monotonic(), 0.0)

    def _look(self) -> None:
        now = time.monotonic()
        for full_id, pending in list(self._pending.items()):
            if pending.due > now:
                continue
            pending.due, pending.pause = now + pending.pause, min(pending.pause * 1.5, _LONG_PAUSE)
            found: tuple[T, bool] | None = None
            with suppress(OSError):
                found = self._read(full_id)
            if found is not None:
                self._found[full_id] = found[0]
                if len(self._found) > _LIMIT:
                    del self._found[next(iter(self._found))]
            if (found is not None and found[1]) or time.monotonic() > pending.until:
                self._pending.pop(full_id, None)


def _ways(root: Path) -> set[Path]:
    return {Path(directory, name) for directory, name in steps(root)}


def _has_ended(pipe: int, seconds: float) -> bool:
    """Return True if the other end of the pipe is closed, now or within this time."""
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(seconds * 1000))
