"""Watches containerd's state directory: tasks that come, tasks that go, in every namespace.

inotify costs nothing while nothing happens. A state directory that is not there yet is looked for every few seconds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from mozu.core.common.backoff import Backoff
from mozu.core.common.directory_watch import DirectoryWatch
from mozu.plugins.enrichers.containerd.files import DOCKER, StateFiles

_PAUSES: Final = (0.1, 5.0)
"""First and longest seconds between two looks for the directory; a fifth of it is jitter."""
_MAX_LOOK_UPS: Final = 8
"""Concurrent look-ups of new tasks."""


class TaskWatch:
    """`on_task` is called when a task has appeared, `on_end` when it is gone, `on_list` with all that there are."""

    def __init__(
        self,
        files: StateFiles,
        on_task: Callable[[str], Awaitable[None]],
        on_end: Callable[[str], None],
        on_list: Callable[[list[str]], None],
    ) -> None:
        self._files, self._on_task, self._on_end, self._on_list = files, on_task, on_end, on_list
        self._changes: asyncio.Queue[tuple[Path, bool] | None] = asyncio.Queue()
        self._backoff = Backoff(*_PAUSES, jitter=0.2)
        self.tried = asyncio.Event()
        """Set when the tasks that existed at the start are known, or there is no state directory."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                await self._watch()
            self.tried.set()
            await asyncio.sleep(self._backoff.failed())

    async def _watch(self) -> None:
        """Until names were lost, or the directory has gone. Raises OSError where it is not there."""
        self._changes = asyncio.Queue()
        watch = DirectoryWatch(self._changed, lambda: self._changes.put_nowait(None))
        watch.open()
        try:
            watch.add(self._files.tasks)
            self._backoff.succeeded()
            await self._follow(watch)
        finally:
            watch.close()

    async def _follow(self, watch: DirectoryWatch) -> None:
        room = asyncio.Semaphore(_MAX_LOOK_UPS)
        ids = [name for namespace in self._files.namespaces() for name in self._add(watch, namespace)]
        self._on_list(ids)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look_up(name, room)) for name in ids]
            if tasks:
                await asyncio.wait(tasks)
            self.tried.set()
            while (change := await self._changes.get()) is not None:
                path, is_there = change
                if path.parent == self._files.tasks:
                    new = self._add(watch, path.name) if is_there else []
                elif is_there:
                    new = [path.name]
                else:
                    new = []
                    self._on_end(path.name)
                for name in new:
                    group.create_task(self._look_up(name, room), name=f"containerd task {name}")

    def _add(self, watch: DirectoryWatch, namespace: str) -> list[str]:
        """Watch a namespace; the tasks that it has already."""
        if namespace == DOCKER:
            return []
        try:
            watch.add(self._files.tasks / namespace)
        except OSError:
            return []
        return self._files.ids(namespace)

    async def _look_up(self, name: str, room: asyncio.Semaphore) -> None:
        async with room:
            await self._on_task(name)

    def _changed(self, path: Path, is_there: bool) -> None:
        if path != self._files.tasks:
            self._changes.put_nowait((path, is_there))
