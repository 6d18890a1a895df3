"""containerd: looks containers up in its state directory, then by its API."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mozu.core.api import Obstacle
from mozu.core.common.containers.bundle_watch import BundleWatch
from mozu.core.common.containers.container_runtime import RuntimeContext
from mozu.core.common.containers.containerd.describe import StoredContainer, describe, sandbox_of
from mozu.core.common.containers.containerd.files import Bundle, StateFiles
from mozu.core.common.containers.containerd.settings import ContainerdSettings
from mozu.core.common.containers.oci_spec import decode_spec
from mozu.core.common.containers.runtime_api import RuntimeApi, is_socket, refusal
from mozu.core.model.containers.metadata import ContainerMetadata

if TYPE_CHECKING:
    from mozu.core.common.containers.containerd.api import ContainerdApi

_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Seconds between looks at a bundle that has just been made: containerd makes the directory, then writes into it."""
_WITHOUT: Final = (
    "containers are known by its files alone, which have no image of containers that no Kubernetes has made"
)


class ContainerdRuntime:
    """Containers of one containerd, in all of its namespaces but docker's. Implements ContainerRuntime."""

    name = "containerd"
    kinds = frozenset({"containerd", "k8s"})  # with the driver cgroupfs the cgroup of a pod does not tell
    unreachable = (OSError, ValueError, msgspec.DecodeError)
    completes = frozenset[str]()

    def __init__(self, settings: ContainerdSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._settings, self._context = settings, context_of(self.name, settings.timeout)
        self._files = StateFiles(settings.state)
        self._api: ContainerdApi | None = None
        self._reports: RuntimeApi | None = None
        if settings.socket is not None:
            self._reports = RuntimeApi(self._context.log, self.name, settings.socket, _WITHOUT)
        self._watch = BundleWatch(self._files, self._on_task, self._context.ended, self._context.listed)
        self.tried = self._watch.tried

    def places(self) -> Sequence[str]:
        """Its state directory, its socket."""
        socket = self._settings.socket
        found = [self._settings.state] if self._settings.state.is_dir() else []
        return [str(path) for path in (*found, *([socket] if socket is not None and is_socket(socket) else []))]

    async def watch(self) -> None:
        """Follow its state directory."""
        await self._watch.run()

    async def fetch(self, full_id: str) -> ContainerMetadata | None:
        """From its files, and its API."""
        bundle = await self._context.off_loop(partial(self._files.bundle, full_id))
        namespace, record = await self._record(full_id, bundle)
        if bundle is not None:
            spec, created = bundle.spec, bundle.created
        elif record is not None:
            spec, created = decode_spec(record.spec or b"{}"), record.created
        else:
            return None
        self._context.answered("api" if record is not None else "files")
        sandbox = sandbox_of(full_id, spec)
        pod = await self._context.off_loop(partial(self._files.bundle, sandbox)) if sandbox else None
        return describe(
            full_id,
            spec,
            created=created,
            record=record,
            digest=await self._digest(namespace, record),
            sandbox=None if pod is None else pod.spec,
        )

    def obstacles(self) -> Sequence[Obstacle]:
        """A state directory that may not be read, a socket that refuses."""
        return tuple(self._obstacles())

    async def close(self) -> None:
        """End the connection."""
        if self._api is not None:
            self._api.close()

    def _obstacles(self) -> Iterator[Obstacle]:
        if self._files.root.is_dir() and not os.access(self._files.root, os.R_OK | os.X_OK):
            text = f"{self._files.root} may not be read: mozu needs CAP_DAC_READ_SEARCH, or else asks containerd alone"
            yield Obstacle(text)
        refused = "" if self._settings.socket is None else refusal(self._settings.socket)
        if refused:
            yield Obstacle(f"{refused}; without, {_WITHOUT}")

    async def _on_task(self, container_id: str) -> None:
        """A task has appeared: an id that was known stands for a new container."""
        self._context.replaced(container_id)
        for pause in _PAUSES:
            if await self._context.off_loop(partial(self._files.bundle, container_id)) is not None:
                break
            await asyncio.sleep(pause)  # no event tells that a file is complete, only that it was made
        await self._context.appeared(container_id)

    async def _record(self, container_id: str, bundle: Bundle | None) -> tuple[str, StoredContainer | None]:
        """(namespace, what the database has). Raises one of `unreachable` where neither files nor API can tell."""
        if self._settings.socket is None or self._reports is None:
            return "", None
        try:
            api = self._client(self._settings.socket)
            namespaces = await api.namespaces() if bundle is None else [bundle.namespace]
            asked = [(name, await api.container(name, container_id)) for name in namespaces]
        except self.unreachable as error:
            if bundle is not None or not isinstance(error, FileNotFoundError):
                self._reports.failed(error)
            if bundle is None:
                raise
            return bundle.namespace, None
        self._reports.answered()
        found = [(name, record) for name, record in asked if record is not None]
        return found[0] if len(found) == 1 else ("", None)

    async def _digest(self, namespace: str, record: StoredContainer | None) -> str:
        if self._api is None or record is None or not record.image:
            return ""
        with contextlib.suppress(*self.unreachable):
            return await self._api.image_digest(namespace, record.image)
        return ""

    def _client(self, socket: Path) -> "ContainerdApi":
        """The client, imported and made as soon as there is a socket. Raises OSError where there is none."""
        if self._api is None:
            os.stat(socket)
            from mozu.core.common.containers.containerd.api import ContainerdApi  # imports grpclib: only where used

            self._api = ContainerdApi(socket, self._settings.timeout)
        return self._api
