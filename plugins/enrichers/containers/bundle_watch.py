"""A watch on the directory of a runtime's bundles: containers that appear and vanish.

inotify costs nothing while nothing happens, even while the directory does not exist.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from mozu.core.common.backoff import Backoff
from mozu.core.common.directory_watch import DirectoryWatch
from mozu.core.common.path_watch import until_there
from mozu.plugins.enrichers.containers.runtime_api import is_directory

_PAUSES: Final = (0.1, 1.0)
"""First and longest seconds between two checks for the directory; a fifth is jitter."""
_MAX_LOOK_UPS: Final = 8
"""Concurrent look-ups of new containers."""


class BundleFolders(Protocol):
    """A layout ROOT/FOLDER/ID: a directory for each container, in one of several folders (a namespace, a storage
    driver)."""

    @property
    def root(self) -> Path:
        """The root directory, which may be absent."""

    def folders(self) -> list[str]:
        """Return the names of the existing folders that count."""

    def is_folder(self, name: str) -> bool:
        """Return True if a directory of this name below the root counts."""

    def is_id(self, name: str) -> bool:
        """Return True if a name in a folder is a container's."""

    def ids(self, folder: str) -> list[str]:
        """Return the containers that have a directory in a folder."""


async def _nothing(path: Path) -> None:
    """Do nothing: other files do not matter."""


class BundleWatch:
    """A watch of containers. `on_new` is called when a container has appeared, `on_end` when it is gone, `on_list` with
    all that exist, `on_file` when another file in a folder was written.

    `on_made` is called immediately when a directory has appeared, `on_new` as soon as few others are being looked up.
    """

    def __init__(
        self,
        folders: BundleFolders,
        on_new: Callable[[str], Awaitable[None]],
        on_end: Callable[[str], None],
        on_list: Callable[[list[str]], None],
        on_file: Callable[[Path], Awaitable[None]] = _nothing,
        on_made: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folders, self._on_new, self._on_end, self._on_list = folders, on_new, on_end, on_list
        self._on_file, self._on_made = on_file, on_made
        self._changes: asyncio.Queue[tuple[Path, bool] | None] = asyncio.Queue()
        self._backoff = Backoff(*_PAUSES, jitter=0.2)
        self.tried = asyncio.Event()
        """Set when the containers that existed at the start are known, or there is no such directory."""

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                await self._watch()
            self.tried.set()
            if self._is_there():
                await asyncio.sleep(self._backoff.failed())
            else:
                await until_there(self._folders.root, self._is_there)
                self._backoff.succeeded()

    def _is_there(self) -> bool:
        """Return True if the directory exists; its path may have changed meanwhile."""
        return is_directory(self._folders.root)

    async def _watch(self) -> None:
        """Watch until names were lost, or the directory has gone. Raises OSError if it does not exist."""
        if not self._folders.root.is_dir():
            return
        self._changes = asyncio.Queue()
        watch = DirectoryWatch(self._changed, lambda: self._changes.put_nowait(None))
        watch.open()
        try:
            watch.add(self._folders.root)
            self._backoff.succeeded()
            await self._follow(watch)
        finally:
            watch.close()

    async def _follow(self, watch: DirectoryWatch) -> None:
        room = asyncio.Semaphore(_MAX_LOOK_UPS)
        ids = [name for folder in self._folders.folders() for name in self._add(watch, folder)]
        self._on_list(ids)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look_up(name, room)) for name in ids]
            if tasks:
                await asyncio.wait(tasks)
            self.tried.set()
            while (change := await self._changes.get()) is not None:
                path, is_there = change
                new = []
                if path.parent == self._folders.root:
                    new = self._add(watch, path.name) if is_there else []
                elif not self._folders.is_id(path.name):
                    if is_there:
                        group.create_task(self._look_at(path), name=f"look at {path.name}")
                elif is_there:
                    self._on_made(path.name)
                    new = [path.name]
                else:
                    self._on_end(path.name)
                for name in new:
                    group.create_task(self._look_up(name, room), name=f"container {name[:12]}")

    def _add(self, watch: DirectoryWatch, folder: str) -> list[str]:
        """Watch a folder, if it counts, and return the containers that it already has."""
        if not self._folders.is_folder(folder):
            return []
        try:
            watch.add(self._folders.root / folder)
        except OSError:
            return []
        return self._folders.ids(folder)

    async def _look_up(self, name: str, room: asyncio.Semaphore) -> None:
        async with room:
            with contextlib.suppress(OSError):  # not in time: the first event looks the container up again
                await self._on_new(name)

    async def _look_at(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # files that do not answer in time, or are gone again
            await self._on_file(path)

    def _changed(self, path: Path, is_there: bool) -> None:
        if path != self._folders.root:
            self._changes.put_nowait((path, is_there))
