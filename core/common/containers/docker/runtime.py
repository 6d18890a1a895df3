"""A docker engine: looks containers up in its files first, then by its API."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from mozu.core.api import Obstacle
from mozu.core.common.containers.container_runtime import RuntimeContext
from mozu.core.common.containers.docker.api import UNREACHABLE, EngineApi
from mozu.core.common.containers.docker.documents import Described, EngineEvent
from mozu.core.common.containers.docker.engine_watcher import EngineWatcher
from mozu.core.common.containers.docker.files import EngineFiles
from mozu.core.common.containers.docker.settings import DockerSettings
from mozu.core.common.containers.runtime_api import RuntimeApi, is_socket, refusal
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import ContainerMetadata

_DEFAULT_ROOT: Final = Path("/var/lib/docker")
_WITHOUT: Final = "containers are known by its files alone"


class DockerRuntime:
    """Containers of one docker engine. Implements ContainerRuntime."""

    name = "docker"
    kinds = frozenset({"docker", "k8s", "ecs"})
    unreachable = UNREACHABLE
    completes = frozenset[str]()

    def __init__(self, settings: DockerSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._settings, self._context = settings, context_of(self.name, settings.timeout)
        self._api = EngineApi(settings.socket, settings.timeout)
        self._files = EngineFiles(settings.data_root or _DEFAULT_ROOT)
        reports = RuntimeApi(self._context.log, "the docker engine", settings.socket, _WITHOUT)
        self._watcher = EngineWatcher(self._api, self, reports)
        self.tried = self._watcher.tried

    def places(self) -> Sequence[str]:
        """Its socket, its files."""
        found = [self._settings.socket] if is_socket(self._settings.socket) else []
        return [str(path) for path in (*found, *([self._files.data_root] if self._files.exist() else []))]

    async def watch(self) -> None:
        """Follow its stream of events."""
        await self._watcher.run()

    async def fetch(self, full_id: str) -> ContainerMetadata | None:
        """From its files, else from its API."""
        found = await self._describe(full_id)
        if found is None:
            return None
        joined = await self._describe(found.joined) if found.joined and not found.ip else None
        return found.metadata(await self._image_names(found), "" if joined is None else joined.ip)

    def obstacles(self) -> Sequence[Obstacle]:
        """Files that may not be read, a socket that refuses."""
        return tuple(self._obstacles())

    async def close(self) -> None:
        """No more requests."""
        await self._api.close()

    def on_data_root(self, data_root: Path) -> None:
        """Where the engine says that its files are; a configured `data_root` takes precedence."""
        if self._settings.data_root is None and data_root != self._files.data_root:
            self._files = EngineFiles(data_root)

    async def on_list(self, full_ids: list[str]) -> None:
        """All containers: look up each of them, and expire the others."""
        self._context.listed(full_ids)
        for full_id in full_ids:
            await self._context.appeared(full_id)

    async def on_event(self, event: EngineEvent) -> None:
        """A container was created, started, renamed or destroyed."""
        full_id = event.actor.id
        if event.action == "destroy":
            self._context.ended(full_id, event.metadata())
            return
        if event.action == "create":
            self._context.created(event.metadata())
        await self._context.appeared(full_id)

    def _obstacles(self) -> Iterator[Obstacle]:
        if not self._files.readable():
            yield Obstacle(
                f"{self._files.data_root} cannot be read; mozu needs CAP_DAC_READ_SEARCH for it, and without asks the "
                "engine, which does not answer about a container before it has started"
            )
        refused = refusal(self._settings.socket)
        if refused:
            yield Obstacle(f"{refused}; without, {_WITHOUT}")

    async def _describe(self, full_id: str) -> Described | None:
        found = await self._context.off_loop(partial(self._files.container, full_id))
        if found is not None:
            self._context.answered("files")
            return found
        found = await self._api.container(full_id)
        if found is not None:
            self._context.answered("api")
        return found

    async def _image_names(self, found: Described) -> ImageNames:
        names = await self._context.off_loop(partial(self._files.image_names, found.driver, found.image_id))
        if names is None:
            with contextlib.suppress(*UNREACHABLE):
                names = await self._api.image_names(found.image_id)
        return names or ImageNames()
