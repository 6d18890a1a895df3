"""The component: answers from the book, asks files first and the API second."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import Field

from mozu.core.api.hookspecs import Context, Settings
from mozu.core.model.containers.fields import container_readers
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event
from mozu.plugins.enrichers.background import Background
from mozu.plugins.enrichers.docker.api import UNREACHABLE, EngineApi
from mozu.plugins.enrichers.docker.cache import Book
from mozu.plugins.enrichers.docker.documents import Described, EngineEvent
from mozu.plugins.enrichers.docker.files import EngineFiles
from mozu.plugins.enrichers.docker.watch import Watch
from mozu.plugins.enrichers.thread_pool import Crew

T = TypeVar("T")

_DEFAULT_ROOT: Final = Path("/var/lib/docker")
_RUNTIMES: Final = frozenset({"docker", "k8s", "ecs"})
"""What the cgroup of one of this engine's containers may look like; orchestrators hide the engine from it."""

_HEARD: Final = 1024
"""Creations whose own words are kept, for containers that are gone before they can be looked up."""

_UNKNOWN_SECONDS: Final = 60.0
"""For how long an id that the engine does not know is not asked for again."""

_UNREACHABLE_SECONDS: Final = 5.0
"""The same where the engine could not be asked."""


class DockerSettings(Settings):
    """Settings of the enricher `docker`."""

    socket: Path = Field(Path("/run/docker.sock"), description="The engine's unix socket.")
    data_root: Path | None = Field(
        None, description="Where the engine keeps its files; asked of the engine, else /var/lib/docker."
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which the engine must answer a request.")


class DockerEnricher:
    """Containers of one docker engine. Implements the Enricher contract."""

    def __init__(self, settings: DockerSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._api = EngineApi(settings.socket, settings.timeout)
        self._files = EngineFiles(settings.data_root or _DEFAULT_ROOT)
        self._crew = Crew("docker", 2)
        self._book = Book(time.monotonic)
        self._heard: dict[str, ContainerMetadata] = {}
        self._flights: dict[str, asyncio.Event] = {}
        self._watch = Watch(self._api, self, context.log)
        self._background = Background(self._watch.run)
        context.metrics.gauge("containers", lambda: len(self._book))
        context.fields.lookups.container = self._metadata

    async def start(self) -> None:
        """Begin to follow the engine; returns when the containers that exist are known, or the engine is absent."""
        if not self._background.start(self._context, f"follow {self._settings.socket}"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._watch.tried.wait()

    def key(self, event: Event) -> str | None:
        """The full id of the container that the event's process runs in, if it can be this engine's."""
        process = getattr(event, "process", None)
        container = None if process is None else process.container
        return None if container is None or container.runtime not in _RUNTIMES else container.full_id

    def known(self, key: str) -> bool:
        """Whether the book has the container, or has it on authority that nobody knows it."""
        return self._context.offline or self._book.settled(key)

    async def resolve(self, key: str) -> None:
        """Look one container up; whoever asks for the same one at the same time shares the answer."""
        while not self.known(key):
            flight = self._flights.get(key)
            if flight is None:
                await self._fly(key)
            else:
                await flight.wait()

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        """The fields of containers and pods."""
        return container_readers(self._metadata)

    async def stop(self) -> None:
        """Let go of the engine."""
        await self._background.stop()
        await self._api.close()
        self._crew.stop()

    def found(self, data_root: Path) -> None:
        """The engine told where its files are; a configured place stands."""
        if self._settings.data_root is None and data_root != self._files.data_root:
            self._files = EngineFiles(data_root)

    async def listed(self, full_ids: list[str]) -> None:
        """Every container there is: look up all of them, bury the rest."""
        if not await self._off_loop(self._files.readable):
            self._context.log.warning(
                "%s cannot be read; mozu needs CAP_DAC_READ_SEARCH for it, and without asks the engine, which does not "
                "answer about a container before it has started",
                self._files.data_root,
            )
        for full_id in self._book.ids().difference(full_ids):
            self._book.bury(full_id)
        for full_id in full_ids:
            await self._look_up(full_id)

    async def happened(self, event: EngineEvent) -> None:
        """A container came, changed or went."""
        full_id = event.actor.id
        if event.action == "destroy":
            if self._book.get(full_id) is None:
                self._book.learn(event.metadata())
            self._book.bury(full_id)
            self._heard.pop(full_id, None)
            return
        if event.action == "create":
            self._heard[full_id] = event.metadata()
            if len(self._heard) > _HEARD:
                del self._heard[next(iter(self._heard))]
        await self._look_up(full_id)

    def _metadata(self, full_id: str) -> ContainerMetadata | None:
        """What is known, or has at least been heard: an event judged at its deadline has a name and an image."""
        return self._book.get(full_id) or self._heard.get(full_id)

    async def _fly(self, full_id: str) -> None:
        flight = self._flights[full_id] = asyncio.Event()
        try:
            await self._look_up(full_id)
        finally:
            del self._flights[full_id]
            flight.set()

    async def _look_up(self, full_id: str) -> None:
        """Ask, and write the answer into the book. Without one: what a creation said, else that nobody knows."""
        patience = _UNKNOWN_SECONDS
        metadata = None
        try:
            metadata = await self._ask(full_id)
        except UNREACHABLE as error:
            patience = _UNREACHABLE_SECONDS
            self._context.log.debug("looking up %s: %s", full_id, error or type(error).__name__)
        if metadata is None and self._book.get(full_id) is None:
            metadata = self._heard.get(full_id)
            self._count("none" if metadata is None else "event")
        if metadata is not None:
            self._book.learn(metadata)
        elif self._book.get(full_id) is None:
            self._book.doubt(full_id, patience)

    async def _ask(self, full_id: str) -> ContainerMetadata | None:
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
        return await self._crew.run(call, self._settings.timeout)

    def _count(self, by: str) -> None:
        self._context.metrics.counter("container_lookups_total", by=by).value += 1
