"""The runtime docker: finds containers in the engine's files first, then through its API.

The engine's stream of events reports which containers come and go. While the engine does not answer, their directories
do.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from mozu.core.api import Obstacle
from mozu.core.common.owners import ROOT
from mozu.core.common.unix_socket import is_socket
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.bundle_watch import BundleWatch
from mozu.plugins.enrichers.containers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.containers.docker.documents import Described, EngineEvent
from mozu.plugins.enrichers.containers.docker.engine_watcher import EngineWatcher
from mozu.plugins.enrichers.containers.docker.files import ContainerFolders, EngineFiles
from mozu.plugins.enrichers.containers.runtime import RuntimeContext
from mozu.plugins.enrichers.containers.runtime_api import RuntimeApi, refusal
from mozu.plugins.enrichers.containers.settings import DockerSettings

_DEFAULT_ROOT: Final = Path("/var/lib/docker")
_WITHOUT: Final = "containers are known by its files alone"
_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Seconds between reads of a directory that has just been made, until the files are in it."""


class DockerRuntime:
    """The containers of one docker engine. Implements ContainerRuntime."""

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
        folders = ContainerFolders(lambda: self._files)
        self._directories = BundleWatch(folders, self._on_directory, self._on_no_directory, self._on_directories)
        self.tried = self._watcher.tried

    def traces(self) -> Sequence[str]:
        """Return the socket and the directory of the files."""
        return [str(self._settings.socket), str(self._files.containers)]

    def places(self) -> Sequence[str]:
        """Return the socket and the directory of the files, if they exist."""
        found = [self._settings.socket] if is_socket(self._settings.socket) else []
        return [str(path) for path in (*found, *([self._files.data_root] if self._files.exist() else []))]

    async def watch(self) -> None:
        """Follow the stream of events, and the directories."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watcher.run(), name=f"watch {self._settings.socket}")
            group.create_task(self._directories.run(), name=f"watch {self._files.data_root}")

    async def fetch(self, full_id: str, uid: int = ROOT) -> ContainerMetadata | None:
        """Return the facts from the files, otherwise from the API. None for users other than root, whose containers the
        engine does not have."""
        if uid != ROOT:
            return None
        found, names = await self._describe(full_id)
        if found is None:
            return None
        joined = (await self._describe(found.joined))[0] if found.joined and not found.ip else None
        if names is None:
            with contextlib.suppress(*UNREACHABLE):
                names = await self._api.image_names(found.image_id)
        return found.metadata(names or ImageNames(), "" if joined is None else joined.ip)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return files that may not be read, and a socket that refuses."""
        return tuple(self._obstacles())

    async def close(self) -> None:
        """Send no further requests."""
        await self._api.close()

    def on_data_root(self, data_root: Path) -> None:
        """Use the engine's data root, unless `data_root` is configured."""
        if self._settings.data_root is None and data_root != self._files.data_root:
            self._files = EngineFiles(data_root)

    async def on_list(self, full_ids: list[str]) -> None:
        """Look up each of the engine's containers, and expire the others."""
        self._context.listed(full_ids)
        for full_id in full_ids:
            await self._context.appeared(full_id)

    async def on_event(self, event: EngineEvent) -> None:
        """Handle a container that was created, started, renamed or destroyed."""
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

    async def _describe(self, full_id: str) -> tuple[Described | None, ImageNames | None]:
        """Return (the container, the names of its image in the files); None for unknown parts."""
        found, names = await self._context.off_loop(partial(self._files.container_and_image, full_id))
        if found is not None:
            self._context.answered("files")
            return found, names
        found = await self._api.container(full_id)
        if found is not None:
            self._context.answered("api")
            names = await self._context.off_loop(partial(self._files.image_names, found.driver, found.image_id))
        return found, names

    async def _on_directory(self, full_id: str) -> None:
        for pause in _PAUSES:
            if self._watcher.is_connected:
                return
            if await self._context.off_loop(partial(self._files.container, full_id)) is not None:
                await self._context.appeared(full_id)
                return
            await asyncio.sleep(pause)  # no event reports that a file is complete, only that a directory was made

    def _on_no_directory(self, full_id: str) -> None:
        if not self._watcher.is_connected:
            self._context.ended(full_id)

    def _on_directories(self, full_ids: list[str]) -> None:
        if not self._watcher.is_connected:
            self._context.listed(full_ids)
