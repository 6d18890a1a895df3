"""Runtimes of Kubernetes, through the Container Runtime Interface (CRI) on one of several sockets."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mozu.core.api import Obstacle
from mozu.core.common.owners import ROOT
from mozu.core.common.path_watch import LOOK_INTERVAL, PathWatch
from mozu.core.common.unix_socket import Unimplemented, is_socket, socket_identity
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.cri.answers import DELETED, CriContainer, CriEvent, CriImage
from mozu.plugins.enrichers.containers.cri.describe import describe_container, describe_sandbox
from mozu.plugins.enrichers.containers.runtime import RuntimeContext
from mozu.plugins.enrichers.containers.runtime_api import Reconnection, RuntimeApi, refusal
from mozu.plugins.enrichers.containers.settings import CriSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.containers.cri.api import CriApi

_UNREACHABLE: Final = (OSError, ValueError, msgspec.DecodeError)
_WITHOUT: Final = "its pods are known by the files of their runtime alone"
_MAX_LOOK_UPS: Final = 8
"""The most concurrent look-ups caused by events."""


class CriSocket:
    """A socket that is asked as soon as it exists."""

    def __init__(self, path: Path, timeout: float, context: RuntimeContext) -> None:
        self.path, self._timeout, self._context = path, timeout, context
        self._api: CriApi | None = None
        self._has_cri = True
        """False once the server has answered that it does not serve this interface: containerd without its plugin."""
        self._reports = RuntimeApi(context.log, "CRI", path, _WITHOUT)
        self.tried = asyncio.Event()
        """Set when the socket was asked once, or does not exist."""

    async def container(self, full_id: str) -> tuple[ContainerMetadata, ContainerMetadata | None] | None:
        """Return (a container or a sandbox, the sandbox of a container); None if there is none of that id, no socket,
        or no CRI behind it. Raises one of _UNREACHABLE."""
        if not self._has_cri or not is_socket(self.path):
            return None
        try:
            found = await self._describe(self._client(), full_id)
        except Unimplemented:
            self._has_cri = False
            return None
        except _UNREACHABLE as error:
            self._reports.failed(error)
            raise
        self._reports.answered()
        return found

    async def follow(self) -> None:
        """Follow the events, until cancelled."""
        with closing(Reconnection(self.path)) as reconnection:
            while True:
                reconnection.begin()
                try:
                    if is_socket(self.path):
                        await self._events(reconnection)
                except Unimplemented:
                    self.tried.set()
                    await self._replaced()
                    continue
                except _UNREACHABLE as error:
                    self._reports.failed(error)
                self.tried.set()
                await reconnection.wait()

    def close(self) -> None:
        """End the connection."""
        if self._api is not None:
            self._api.close()

    async def _describe(self, api: "CriApi", full_id: str) -> tuple[ContainerMetadata, ContainerMetadata | None] | None:
        container = await api.container(full_id)
        sandbox_id = full_id if container is None else container.sandbox_id
        sandbox = await api.sandbox(sandbox_id) if sandbox_id else None
        described = None if sandbox is None else describe_sandbox(sandbox)
        if container is None:
            return None if described is None else (described, None)
        return describe_container(container, await self._image(api, container), sandbox), described

    async def _image(self, api: "CriApi", container: CriContainer) -> CriImage | None:
        """Return the image; None if it was removed while in use."""
        for reference in dict.fromkeys((container.image_id, container.image_ref, container.image)):
            if reference and (found := await api.image(reference)) is not None:
                return found
        return None

    async def _events(self, reconnection: Reconnection) -> None:
        """Follow the events from connecting to the end of the stream. Raises one of _UNREACHABLE."""
        api = self._client()
        server = await api.server()
        self._has_cri = True
        self._reports.answered()
        self._context.recovered()
        self._context.log.debug("%s %s serves CRI at %s", server.name, server.version, self.path)
        reconnection.succeeded()
        self.tried.set()
        room = asyncio.Semaphore(_MAX_LOOK_UPS)
        ended: Exception = ConnectionResetError("it closed the stream of events")
        async with asyncio.TaskGroup() as group:
            try:
                async for event in api.events():
                    await room.acquire()
                    task = group.create_task(self._on_event(event), name=f"cri {event.full_id[:12]}")
                    task.add_done_callback(lambda _: room.release())
            except _UNREACHABLE as error:
                ended = error
        raise ended

    async def _replaced(self) -> None:
        """Wait until another server listens: the socket was replaced, or removed and made again."""
        before = socket_identity(self.path)
        with closing(PathWatch()) as watch:
            while True:
                watch.renew()
                watch.add([str(self.path)])
                now = socket_identity(self.path)
                if now is not None and now != before:
                    return
                before = None if now is None else before
                await watch.wait(LOOK_INTERVAL)

    async def _on_event(self, event: CriEvent) -> None:
        if event.kind == DELETED:
            self._context.ended(event.full_id)
        else:
            await self._context.appeared(event.full_id)

    def _client(self) -> "CriApi":
        """Return the client, imported and made as soon as there is a socket."""
        if self._api is None:
            from mozu.plugins.enrichers.containers.cri.api import CriApi  # imports grpclib: only where it is used

            self._api = CriApi(self.path, self._timeout)
        return self._api


class CriRuntime:
    """The pods and containers of all sockets. Implements ContainerRuntime."""

    name = "cri"
    kinds = frozenset({"containerd", "cri-o", "k8s"})
    unreachable = _UNREACHABLE
    completes = frozenset({"containerd", "cri-o"})

    def __init__(self, settings: CriSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._context = context_of(self.name, settings.timeout)
        make = partial(CriSocket, timeout=settings.timeout, context=self._context)
        self._sockets = [make(path) for path in settings.sockets]
        self.tried = asyncio.Event()

    def traces(self) -> Sequence[str]:
        """Return the sockets."""
        return [str(one.path) for one in self._sockets]

    def places(self) -> Sequence[str]:
        """Return the sockets that exist."""
        return [str(one.path) for one in self._sockets if is_socket(one.path)]

    async def watch(self) -> None:
        """Follow the events of every socket."""
        async with asyncio.TaskGroup() as group:
            for one in self._sockets:
                group.create_task(one.follow(), name=f"watch {one.path}")
            for one in self._sockets:
                await one.tried.wait()
            self.tried.set()

    async def fetch(self, full_id: str, uid: int = ROOT) -> ContainerMetadata | None:
        """Return the facts from the first socket that has the container; its sandbox is reported too. None for users
        other than root, whose containers these runtimes do not have."""
        if uid != ROOT:
            return None
        failure: Exception | None = None
        for one in self._sockets:
            try:
                found = await one.container(full_id)
            except _UNREACHABLE as error:
                failure = error
                continue
            if found is not None:
                metadata, sandbox = found
                if sandbox is not None:
                    self._context.also(sandbox)
                self._context.answered("api")
                return metadata
        if failure is not None:
            raise failure
        return None

    def obstacles(self) -> Sequence[Obstacle]:
        """Return the sockets that refuse."""
        refused = filter(None, (refusal(one.path) for one in self._sockets))
        return [Obstacle(f"{text}; without, {_WITHOUT}") for text in refused]

    async def close(self) -> None:
        """End the connections."""
        for one in self._sockets:
            one.close()
