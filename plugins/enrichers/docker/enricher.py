"""The enricher `docker`: answers from the container cache; looks up in the engine's files first, then by its API."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from mozu.core.api import Context
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.fields import container_readers
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event
from mozu.plugins.enrichers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.docker.container_cache import ContainerCache
from mozu.plugins.enrichers.docker.documents import Described, EngineEvent
from mozu.plugins.enrichers.docker.engine_watcher import EngineWatcher
from mozu.plugins.enrichers.docker.files import EngineFiles
from mozu.plugins.enrichers.docker.settings import DockerSettings

T = TypeVar("T")

_DEFAULT_ROOT: Final = Path("/var/lib/docker")
_RUNTIMES: Final = frozenset({"docker", "k8s", "ecs"})
"""Runtimes that the cgroup of one of this engine's containers may show; orchestrators hide the engine in it."""

_CREATED_LIMIT: Final = 1024
"""Create events whose metadata are kept, for containers that are gone before they can be looked up."""

_NEGATIVE_TTL: Final = 60.0
"""Seconds for which an id that the engine does not know is not looked up again (negative cache)."""

_UNREACHABLE_TTL: Final = 5.0
"""The same where the engine could not be asked."""



class DockerEnricher:
    """Containers of one docker engine. Implements the Enricher contract."""

    def __init__(self, settings: DockerSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._api = EngineApi(settings.socket, settings.timeout)
        self._files = EngineFiles(settings.data_root or _DEFAULT_ROOT)
        self._threads = ThreadPool("docker", 2)
        self._cache = ContainerCache(time.monotonic)
        self._created: dict[str, ContainerMetadata] = {}
        """What create events contained."""
        self._look_ups: dict[str, asyncio.Event] = {}
        """Id that is being looked up → set when that is over (single flight)."""
        self._watcher = EngineWatcher(self._api, self, context.log)
        self._background_task = BackgroundTask(self._watcher.run)
        context.metrics.gauge("containers", lambda: len(self._cache))
        context.fields.lookups.container = self._metadata

    async def start(self) -> None:
        """Begin to watch the engine; returns when the containers that exist are known, or the engine is absent."""
        if not self._background_task.start(self._context, f"watch {self._settings.socket}"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._watcher.tried.wait()

    def key(self, event: Event) -> str | None:
        """The full id of the container that the event's process runs in, if it can be this engine's."""
        process = getattr(event, "process", None)
        container = None if process is None else process.container
        return None if container is None or container.runtime not in _RUNTIMES else container.full_id

    def known(self, key: str) -> bool:
        """Whether the cache has the container, or the negative cache has its id."""
        return self._context.offline or self._cache.is_answered(key)

    async def resolve(self, key: str) -> None:
        """Look one container up; concurrent calls for the same one share one look-up."""
        while not self.known(key):
            pending = self._look_ups.get(key)
            if pending is None:
                await self._look_up_once(key)
            else:
                await pending.wait()

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        """The fields of containers and pods."""
        return container_readers(self._metadata)

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
        for full_id in self._cache.ids().difference(full_ids):
            self._cache.expire_soon(full_id)
        for full_id in full_ids:
            await self._look_up(full_id)

    async def on_event(self, event: EngineEvent) -> None:
        """A container was created, started, renamed or destroyed."""
        full_id = event.actor.id
        if event.action == "destroy":
            if self._cache.get(full_id) is None:
                self._cache.put(event.metadata())
            self._cache.expire_soon(full_id)
            self._created.pop(full_id, None)
            return
        if event.action == "create":
            self._created[full_id] = event.metadata()
            if len(self._created) > _CREATED_LIMIT:
                del self._created[next(iter(self._created))]
        await self._look_up(full_id)

    def _metadata(self, full_id: str) -> ContainerMetadata | None:
        """From the cache, else from the create event: an event judged at its deadline has a name and an image."""
        return self._cache.get(full_id) or self._created.get(full_id)

    async def _look_up_once(self, full_id: str) -> None:
        pending = self._look_ups[full_id] = asyncio.Event()
        try:
            await self._look_up(full_id)
        finally:
            del self._look_ups[full_id]
            pending.set()

    async def _look_up(self, full_id: str) -> None:
        """Cache what files or API say; else what the create event contained; else that there is no metadata."""
        negative_ttl = _NEGATIVE_TTL
        metadata = None
        try:
            metadata = await self._fetch(full_id)
        except UNREACHABLE as error:
            negative_ttl = _UNREACHABLE_TTL
            self._context.log.debug("looking up %s: %s", full_id, error or type(error).__name__)
        if metadata is None and self._cache.get(full_id) is None:
            metadata = self._created.get(full_id)
            self._count("none" if metadata is None else "event")
        if metadata is not None:
            self._cache.put(metadata)
        elif self._cache.get(full_id) is None:
            self._cache.put_negative(full_id, negative_ttl)

    async def _fetch(self, full_id: str) -> ContainerMetadata | None:
        found = await self._describe(full_id)
        if found is None:
            return None
        joined = await self._describe(found.joined) if found.joined and not found.ip else None
        return found.metadata(await self._image_names(found), "" if joined is None else joined.ip)

    async def _describe(self, full_id: str) -> Described | None:
        found = await self._off_loop(partial(self._files.container, full_id))
        if found is not None:
            self._count("files")
            return found
        found = await self._api.container(full_id)
        if found is not None:
            self._count("api")
        return found

    async def _image_names(self, found: Described) -> ImageNames:
        names = await self._off_loop(partial(self._files.image_names, found.driver, found.image_id))
        if names is None:
            with contextlib.suppress(*UNREACHABLE):
                names = await self._api.image_names(found.image_id)
        return names or ImageNames()

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await self._threads.run(call, self._settings.timeout)

    def _count(self, by: str) -> None:
        self._context.metrics.counter("container_lookups_total", by=by).value += 1
