"""The enricher `containerd`: answers from the container cache; looks up in the state directory, then by the API."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from mozu.core.api import Context, FieldReaders
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.containers.bundle_watch import BundleWatch
from mozu.core.common.containers.container_lookups import ContainerLookups
from mozu.core.common.containers.oci_spec import decode_spec
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Event
from mozu.plugins.enrichers.containerd.describe import StoredContainer, describe, sandbox_of
from mozu.plugins.enrichers.containerd.files import Bundle, StateFiles
from mozu.plugins.enrichers.containerd.settings import ContainerdSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.containerd.api import ContainerdApi

T = TypeVar("T")

_UNREACHABLE: Final = (OSError, ValueError, msgspec.DecodeError)
"""What a look-up raises where containerd is absent, slow, stops in the middle, refuses, or answers nonsense."""

_RUNTIMES: Final = frozenset({"containerd", "k8s"})
"""Runtimes that the cgroup of one of its containers may show; with the driver cgroupfs a pod does not tell."""

_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Seconds between looks at a bundle that has just been made: containerd makes the directory, then writes into it."""


class ContainerdEnricher:
    """Containers of one containerd, in all of its namespaces. Implements the Enricher contract."""

    def __init__(self, settings: ContainerdSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._files = StateFiles(settings.state)
        self._api: ContainerdApi | None = None
        self._is_absent = False
        self._threads = ThreadPool("containerd", 2)
        self._lookups = ContainerLookups(context, _RUNTIMES, self._fetch, _UNREACHABLE)
        self._watch = BundleWatch(self._files, self._on_task, self._lookups.ended, self._lookups.listed)
        self._background_task = BackgroundTask(self._watch.run)

    async def start(self) -> None:
        """Begin to watch; returns when the tasks that exist are known, or there is no state directory."""
        if not self._background_task.start(self._context, f"watch {self._files.root}"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._watch.tried.wait()

    def key(self, event: Event) -> str | None:
        """The id of the container that the event's process runs in, if it can be containerd's."""
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
        if self._api is not None:
            self._api.close()
        self._threads.stop()

    async def _on_task(self, container_id: str) -> None:
        """A task has appeared: an id that was known stands for a new container."""
        self._lookups.forget(container_id)
        for pause in _PAUSES:
            if await self._off_loop(partial(self._files.bundle, container_id)) is not None:
                break
            await asyncio.sleep(pause)  # no event tells that a file is complete, only that it was made
        await self._lookups.resolve(container_id)

    async def _fetch(self, container_id: str) -> ContainerMetadata | None:
        bundle = await self._off_loop(partial(self._files.bundle, container_id))
        namespace, record = await self._record(container_id, bundle)
        if bundle is not None:
            spec, created = bundle.spec, bundle.created
        elif record is not None:
            spec, created = decode_spec(record.spec or b"{}"), record.created
        else:
            return None
        self._lookups.count("api" if record is not None else "files")
        sandbox = sandbox_of(container_id, spec)
        pod = await self._off_loop(partial(self._files.bundle, sandbox)) if sandbox else None
        return describe(
            container_id,
            spec,
            created=created,
            record=record,
            digest=await self._digest(namespace, record),
            sandbox=None if pod is None else pod.spec,
        )

    async def _record(self, container_id: str, bundle: Bundle | None) -> tuple[str, StoredContainer | None]:
        """(namespace, what the database has). Raises one of _UNREACHABLE where neither files nor API can tell."""
        if self._settings.socket is None:
            return "", None
        try:
            api = self._client(self._settings.socket)
            namespaces = await api.namespaces() if bundle is None else [bundle.namespace]
            asked = [(name, await api.container(name, container_id)) for name in namespaces]
        except _UNREACHABLE as error:
            self._log_absent(error)
            if bundle is None:
                raise
            return bundle.namespace, None
        self._log_present()
        found = [(name, record) for name, record in asked if record is not None]
        return found[0] if len(found) == 1 else ("", None)

    async def _digest(self, namespace: str, record: StoredContainer | None) -> str:
        if self._api is None or record is None or not record.image:
            return ""
        with contextlib.suppress(*_UNREACHABLE):
            return await self._api.image_digest(namespace, record.image)
        return ""

    def _client(self, socket: Path) -> "ContainerdApi":
        """The client, imported and made as soon as there is a socket. Raises OSError where there is none."""
        if self._api is None:
            os.stat(socket)
            from mozu.plugins.enrichers.containerd.api import ContainerdApi  # imports grpclib: only where it is used

            self._api = ContainerdApi(socket, self._settings.timeout)
        return self._api

    def _log_absent(self, error: Exception) -> None:
        """Once per absence."""
        if not self._is_absent:
            self._is_absent = True
            hint = ""
            if isinstance(error, PermissionError):
                hint = ": mozu needs CAP_DAC_OVERRIDE, or the group of the socket"
            self._context.log.info(
                "containerd does not answer at %s (%s%s): containers are known by its files alone, which have no image "
                "of containers that no Kubernetes has made",
                self._settings.socket,
                getattr(error, "strerror", None) or error or type(error).__name__,
                hint,
            )

    def _log_present(self) -> None:
        if self._is_absent:
            self._is_absent = False
            self._context.log.info("containerd at %s answers", self._settings.socket)

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await self._threads.run(call, self._settings.timeout)
