"""The enricher `podman`: answers from the container cache; looks up in the files of podman's storage."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from mozu.core.api import Context, FieldReaders
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.containers.bundle_watch import BundleWatch
from mozu.core.common.containers.container_lookups import ContainerLookups
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event
from mozu.plugins.enrichers.podman.documents import metadata
from mozu.plugins.enrichers.podman.files import AllStorage
from mozu.plugins.enrichers.podman.settings import PodmanSettings

T = TypeVar("T")

_RUNTIMES: Final = frozenset({"podman"})
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between looks at a container whose directory has just been made: it is listed before, its specification is
written when it is started."""


class PodmanEnricher:
    """Containers of podman, of root and of users. Implements the Enricher contract."""

    def __init__(self, settings: PodmanSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._storage = AllStorage(settings.storage)
        self._threads = ThreadPool("podman", 2)
        self._lookups = ContainerLookups(context, _RUNTIMES, self._fetch, (OSError,))
        self._listed: dict[int, list[str]] = {}
        """Number of a watch → the containers that it has listed."""
        self._watches = [
            BundleWatch(storage, self._on_new, self._lookups.ended, partial(self._on_list, number))
            for number, storage in enumerate(self._storage.roots())
        ]
        self._background_task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Begin to watch; returns when the containers that exist are known, or there is no storage."""
        if not self._background_task.start(self._context, f"watch {', '.join(self._settings.storage)}"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                for watch in self._watches:
                    await watch.tried.wait()

    def key(self, event: Event) -> str | None:
        """The full id of the container that the event's process runs in, if it is podman's."""
        return self._lookups.key(event)

    def known(self, key: str) -> bool:
        """Whether the cache has the container, or the negative cache has its id."""
        return self._lookups.known(key)

    async def resolve(self, key: str) -> None:
        """Look one container up."""
        await self._lookups.resolve(key)

    def readers(self) -> FieldReaders:
        """The fields of containers and pods."""
        return self._lookups.readers()

    async def stop(self) -> None:
        """End the watching and the threads."""
        await self._background_task.stop()
        self._threads.stop()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run())

    def _on_list(self, number: int, full_ids: list[str]) -> None:
        """All containers of one storage: those that it had before and has no more have ended."""
        for full_id in set(self._listed.get(number, ())).difference(full_ids):
            self._lookups.ended(full_id)
        self._listed[number] = full_ids

    async def _on_new(self, full_id: str) -> None:
        """A container was made, and may be started at any time from now on: its specification comes with its start."""
        for pause in _PAUSES:
            found = await self._off_loop(partial(self._storage.find, full_id))
            if found is not None:
                self._lookups.created(metadata(found))
                if found.spec is not None:
                    break
            await asyncio.sleep(pause)  # no event tells that a file is complete, only that it was made
        else:
            return  # not started yet: its first event looks it up
        await self._lookups.refresh(full_id)

    async def _fetch(self, full_id: str) -> ContainerMetadata | None:
        found = await self._off_loop(partial(self._storage.find, full_id))
        if found is None:
            return None
        self._lookups.count("files")
        return metadata(found)

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await self._threads.run(call, self._settings.timeout)
