"""The runtime containerd: finds containers in its state directory and its database, or through its API if these may not
be read."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mozu.core.api import Obstacle
from mozu.core.common.file_access import may
from mozu.core.common.owners import ROOT
from mozu.core.common.unix_socket import is_socket
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.bundle_prefetch import BundlePrefetch
from mozu.plugins.enrichers.containers.bundle_watch import BundleWatch
from mozu.plugins.enrichers.containers.cni_results import CniResult, CniResults
from mozu.plugins.enrichers.containers.containerd.database import StoredContainers
from mozu.plugins.enrichers.containers.containerd.describe import FoundContainer, StoredContainer, describe
from mozu.plugins.enrichers.containers.containerd.files import Bundle, StateFiles
from mozu.plugins.enrichers.containers.oci_spec import OciSpec, decode_spec
from mozu.plugins.enrichers.containers.runtime import RuntimeContext
from mozu.plugins.enrichers.containers.runtime_api import RuntimeApi, is_directory, refusal
from mozu.plugins.enrichers.containers.settings import ContainerdSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.containers.containerd.api import ContainerdApi

_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Seconds between reads of a bundle that has just been made: containerd makes the directory, then writes into it."""
_DATABASE_PAUSES: Final = (0.0, 0.01, 0.05)
"""Seconds before each read of the database for a container that has a bundle."""
_MAX_REPORTED: Final = 8192
_MAX_PODS: Final = 1024
_OnDisk = tuple[Bundle | None, list[tuple[str, StoredContainer]]]
"""A bundle, and (namespace, database record) of each namespace that has the id."""
_WITHOUT: Final = (
    "containers are known by its files alone, which have no image of containers that no Kubernetes has made"
)


class ContainerdRuntime:
    """The containers of one containerd, in all of its namespaces but docker's. Implements ContainerRuntime."""

    name = "containerd"
    kinds = frozenset({"containerd", "k8s"})  # with the driver cgroupfs the cgroup of a pod does not show the runtime
    unreachable = (OSError, ValueError, msgspec.DecodeError)
    completes = frozenset[str]()

    def __init__(self, settings: ContainerdSettings, context_of: Callable[[str, float], RuntimeContext]) -> None:
        self._settings, self._context = settings, context_of(self.name, settings.timeout)
        self._files = StateFiles(settings.state)
        self._database = StoredContainers(settings.root)
        self._cni_results = CniResults(settings.cni_results)
        self._api: ContainerdApi | None = None
        self._reported: dict[str, int] = {}
        """Full id → time at which the last described bundle was written, ns since the epoch."""
        self._pods: dict[str, FoundContainer] = {}
        """Sandbox id → the pod's sandbox."""
        self._reports: RuntimeApi | None = None
        if settings.socket is not None:
            self._reports = RuntimeApi(self._context.log, self.name, settings.socket, _WITHOUT)
        context = self._context
        self._watch = BundleWatch(self._files, self._on_task, context.ended, context.listed, on_made=context.replaced)
        self._prefetch: BundlePrefetch[_OnDisk] = BundlePrefetch(self._files, self._read_all)
        self.tried = self._watch.tried

    def traces(self) -> Sequence[str]:
        """Return the state directory and the socket."""
        return [str(path) for path in (self._settings.state, self._settings.socket) if path is not None]

    def places(self) -> Sequence[str]:
        """Return the state directory and the socket, if they exist."""
        socket = self._settings.socket
        found = [self._settings.state] if is_directory(self._settings.state) else []
        return [str(path) for path in (*found, *([socket] if socket is not None and is_socket(socket) else []))]

    async def watch(self) -> None:
        """Follow the state directory until cancelled."""
        self._prefetch.start()
        try:
            await self._watch.run()
        finally:
            self._prefetch.stop()

    async def fetch(self, full_id: str, uid: int = ROOT) -> ContainerMetadata | None:
        """Return the facts from the files, or from the API if the database may not be read; a pod's sandbox is reported
        too. None for users other than root, whose containers containerd does not have."""
        if uid != ROOT:
            return None
        found = await self._look(full_id)
        if found is None:
            return None
        self._context.answered(found.by)
        sandbox_id = found.sandbox_id
        pod = await self._pod(sandbox_id) if sandbox_id not in ("", full_id) else None
        return describe(found, pod)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return a state directory that may not be read, and a socket that refuses."""
        return tuple(self._obstacles())

    async def close(self) -> None:
        """End the connection."""
        if self._api is not None:
            self._api.close()

    def _obstacles(self) -> Iterator[Obstacle]:
        if is_directory(self._files.root) and not may(self._files.root, os.R_OK | os.X_OK):
            text = f"{self._files.root} may not be read: mozu needs CAP_DAC_READ_SEARCH, or else asks containerd alone"
            yield Obstacle(text)
        refused = "" if self._settings.socket is None else refusal(self._settings.socket)
        if refused and not self._database.is_readable():
            yield Obstacle(f"{refused}; without, {_WITHOUT}")

    async def _on_task(self, container_id: str) -> None:
        """Look up a task that has appeared, once its bundle is complete."""
        for pause in _PAUSES:
            if self._prefetched(container_id) is not None:
                break
            if await self._context.off_loop(partial(self._files.bundle, container_id)) is not None:
                break
            await asyncio.sleep(pause)  # no event says that a file is complete, only that it was made
        await self._context.appeared(container_id)

    async def _pod(self, sandbox_id: str) -> FoundContainer | None:
        """Return a sandbox, which is the same for all containers of its pod and never changes; None if not found."""
        pod = self._pods.get(sandbox_id)
        if pod is None:
            pod = await self._look(sandbox_id)
            if pod is not None and pod.record is not None:
                self._pods[sandbox_id] = pod
                if len(self._pods) > _MAX_PODS:
                    del self._pods[next(iter(self._pods))]
        if pod is not None:
            self._context.also(describe(pod))
        return pod

    async def _look(self, full_id: str) -> FoundContainer | None:
        """Return a container; None if there is none. Raises one of `unreachable` if neither files nor API can
        answer."""
        bundle, stored = await self._on_disk(full_id)
        if bundle is not None:  # an event whose deadline passes meanwhile gets the bundle's facts
            record = stored[0][1] if len(stored) == 1 else None
            self._context.created(describe(FoundContainer(full_id, bundle.spec, bundle.created, record)))
        namespace, record, by = await self._record(full_id, bundle, stored)
        if bundle is not None:
            spec = bundle.spec
        elif record is not None:
            spec = decode_spec(record.spec or b"{}")
        else:
            return None
        created = bundle.created if record is None and bundle is not None else 0
        return FoundContainer(
            full_id=full_id,
            spec=spec,
            created=created if record is None else record.created,
            record=record,
            cni=await self._network(full_id, namespace, spec, record),
            by=by,
        )

    async def _network(
        self, full_id: str, namespace: str, spec: OciSpec, record: StoredContainer | None
    ) -> CniResult | None:
        """Return the network result: empty if the container has the host's network, None if nothing is known."""
        if record is not None and record.sandbox is not None:
            return record.sandbox.cni()
        if spec.shares_host("network"):
            return CniResult()
        ids = (f"{namespace}-{full_id}", full_id)
        return await self._context.off_loop(partial(self._cni_results.find, ids))

    async def _on_disk(self, full_id: str) -> _OnDisk:
        """Return the data read when the container appeared, completed with the current content of the files."""
        bundle, stored = self._prefetched(full_id) or (None, [])
        for pause in _DATABASE_PAUSES:
            if bundle is not None and stored:
                break
            await asyncio.sleep(pause)  # a database that is written all the time has moments in which it is not
            bundle_now, stored_now = await self._context.off_loop(partial(self._read, full_id))
            bundle, stored = bundle or bundle_now, stored or stored_now
            if bundle is None or not self._database.is_readable():
                break
        if bundle is None and not stored:
            bundle, stored = self._prefetch.get(full_id) or (None, [])  # the container has ended since it was reported
        if bundle is not None:
            self._reported[full_id] = bundle.created
            if len(self._reported) > _MAX_REPORTED:
                del self._reported[next(iter(self._reported))]
            if stored or not self._database.is_readable():
                self._prefetch.forget(full_id)
        return bundle, stored

    def _prefetched(self, full_id: str) -> _OnDisk | None:
        """Return the data read when the container appeared; None if it was reported before: another container may have
        the name
        now.
        """
        found = self._prefetch.get(full_id)
        bundle = None if found is None else found[0]
        return None if bundle is None or bundle.created == self._reported.get(full_id) else found

    def _read_all(self, full_id: str) -> tuple[_OnDisk, bool] | None:
        """Return bundle and records as soon as there is a bundle, and True if both are known; None before."""
        found = self._read(full_id)
        return None if found[0] is None else (found, bool(found[1]))

    def _read(self, full_id: str) -> _OnDisk:
        """Return bundle and records in one call: on a busy machine each call waits for a processor."""
        bundle = self._files.bundle(full_id)
        try:
            stored = self._database.find(full_id, "" if bundle is None else bundle.namespace)
        except OSError:
            return bundle, []
        if bundle is not None:  # the specification is the bundle's, and would be kept for each of a thousand containers
            stored = [(namespace, msgspec.structs.replace(record, spec=b"")) for namespace, record in stored]
        return bundle, stored

    async def _record(
        self, full_id: str, bundle: Bundle | None, stored: list[tuple[str, StoredContainer]]
    ) -> tuple[str, StoredContainer | None, str]:
        """Return (namespace, record, origin). Raises one of `unreachable` if neither files nor API can answer."""
        namespace = "" if bundle is None else bundle.namespace
        found, by = stored, "files"
        if not found and self._settings.socket is not None:
            found = await self._asked(self._settings.socket, full_id, bundle)
            by = "api" if found else by
        return (*found[0], by) if len(found) == 1 else (namespace, None, by)

    async def _asked(self, socket: Path, full_id: str, bundle: Bundle | None) -> list[tuple[str, StoredContainer]]:
        """Return the API's records. Raises one of `unreachable` if it does not answer and there is no bundle either."""
        try:
            api = self._client(socket)
            namespaces = await api.namespaces() if bundle is None else [bundle.namespace]
            asked = [(name, await api.container(name, full_id)) for name in namespaces]
        except self.unreachable as error:
            if self._reports is not None and (bundle is not None or not isinstance(error, FileNotFoundError)):
                self._reports.failed(error)
            if bundle is None:
                raise
            return []
        if self._reports is not None:
            self._reports.answered()
        return [(name, record) for name, record in asked if record is not None]

    def _client(self, socket: Path) -> "ContainerdApi":
        """Return the client, imported and made as soon as there is a socket. Raises OSError if there is none."""
        if self._api is None:
            os.stat(socket)
            from mozu.plugins.enrichers.containers.containerd.api import (
                ContainerdApi,  # imports grpclib: only where used
            )

            self._api = ContainerdApi(socket, self._settings.timeout)
        return self._api
