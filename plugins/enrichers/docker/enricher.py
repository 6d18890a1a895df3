"""The enricher `docker`: answers from the container cache; looks up in the engine's files first, then by its API."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from mozu.core.api import Context, FieldReaders
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.containers.container_lookups import ContainerLookups
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event
from mozu.plugins.enrichers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.docker.documents import Described, EngineEvent
from mozu.plugins.enrichers.docker.engine_watcher import EngineWatcher
from mozu.plugins.enrichers.docker.files import EngineFiles
from mozu.plugins.enrichers.docker.settings import DockerSettings

T = TypeVar("T")

_DEFAULT_ROOT: Final = Path("/var/lib/docker")
_RUNTIMES: Final = frozenset({"docker", "k8s", "ecs"})
"""Runtimes that the cgroup of one of this engine's containers may show; orchestrators hide the engine in it."""


class DockerEnricher:
    """Containers of one docker engine. Implements the Enricher contract."""

    def __init__(self, settings: DockerSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._api = EngineApi(settings.socket, settings.timeout)
        self._files = EngineFiles(settings.data_root or _DEFAULT_ROOT)
        self._threads = ThreadPool("docker", 2)
        self._lookups = ContainerLookups(context, _RUNTIMES, self._fetch, UNREACHABLE)
        self._watcher = EngineWatcher(self._api, self, context.log, lambda: self._files.data_root.exists())
        self._background_task = BackgroundTask(self._watcher.run)

    async def start(self) -> None:
        """Begin to watch the engine; returns when the containers that exist are known, or the engine is absent."""
        if not self._background_task.start(self._context, f"watch {self._settings.socket}"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._watcher.tried.wait()

    def key(self, event: Event) -> str | None:
        """The full id of the container that the event's process runs in, if it can be this engine's."""
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
        """End the watching, the connection and the threads."""
        await self._background_task.stop()
        await self._api.close()
        self._threads.stop()

    def on_data_root(self, data_root: Path) -> None:
        """Where the engine says that its files are; a configured `data_root` takes precedence."""
        if self._settings.data_root is None and data_root != self._files.data_root:
            self._files = EngineFiles(data_root)

    async def on_list(self, full_ids: list[str]) -> None:
        """All containers: look up each of them, and expire the others."""
        if not await self._off_loop(self._files.readable):
            self._context.log.warning(
                "%s cannot be read; mozu needs CAP_DAC_READ_SEARCH for it, and without asks the engine, which does not "
                "answer about a container before it has started",
                self._files.data_root,
            )
        self._lookups.listed(full_ids)
        for full_id in full_ids:
            await self._lookups.refresh(full_id)

    async def on_event(self, event: EngineEvent) -> None:
        """A container was created, started, renamed or destroyed."""
        full_id = event.actor.id
        if event.action == "destroy":
            self._lookups.ended(full_id, event.metadata())
            return
        if event.action == "create":
            self._lookups.created(event.metadata())
        await self._lookups.refresh(full_id)

    async def _fetch(self, full_id: str) -> ContainerMetadata | None:
        found = await self._describe(full_id)
        if found is None:
            return None
        joined = await self._describe(found.joined) if found.joined and not found.ip else None
        return found.metadata(await self._image_names(found), "" if joined is None else joined.ip)

    async def _describe(self, full_id: str) -> Described | None:
        found = await self._off_loop(partial(self._files.container, full_id))
        if found is not None:
            self._lookups.count("files")
            return found
        found = await self._api.container(full_id)
        if found is not None:
            self._lookups.count("api")
        return found

    async def _image_names(self, found: Described) -> ImageNames:
        names = await self._off_loop(partial(self._files.image_names, found.driver, found.image_id))
        if names is None:
            with contextlib.suppress(*UNREACHABLE):
                names = await self._api.image_names(found.image_id)
        return names or ImageNames()

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await self._threads.run(call, self._settings.timeout)
