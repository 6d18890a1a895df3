"""The enricher `kubernetes`: pods by the uid in a process's cgroup, from watches of the Kubernetes API."""

import asyncio
import contextlib
import importlib
import os
import socket
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mozu.core.api import Context, FieldReaders, Obstacle
from mozu.core.common.background_task import BackgroundTask
from mozu.core.common.backoff import Backoff
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.containers.pod_cgroup import pod_uid
from mozu.core.model.event import Event, Process, SyscallEvent
from mozu.plugins.enrichers.kubernetes.access import NoAccess
from mozu.plugins.enrichers.kubernetes.controller import Controller
from mozu.plugins.enrichers.kubernetes.credentials import Credentials
from mozu.plugins.enrichers.kubernetes.fields import kubernetes_readers
from mozu.plugins.enrichers.kubernetes.objects import ClusterObject, PodObject, ServiceObject
from mozu.plugins.enrichers.kubernetes.resources import PODS
from mozu.plugins.enrichers.kubernetes.server_log import ServerLog
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.kubernetes.cluster import Cluster

_POD_UID: Final = "io.kubernetes.pod.uid"
"""Label with the pod's uid that the kubelet sets on a container."""
_PAUSES: Final = (0.5, 10.0)
"""First and longest seconds between two searches for credentials; half of it is jitter."""
_NEGATIVE_TTL: Final = 60.0
"""Seconds for which events of a pod unknown to the server do not wait."""
_UNREACHABLE_TTL: Final = 5.0
"""Seconds for which events of a pod do not wait if the server could not be reached."""
_NEGATIVE_LIMIT: Final = 8192
_CLIENT: Final = "mozu.plugins.enrichers.kubernetes.cluster"
"""Module that imports aiohttp, which takes a second on a busy machine and is done off the event loop."""
_IMPORT_SECONDS: Final = 60.0


class KubernetesEnricher:
    """Pods of this machine: an enricher, and the KnownPods of its fields."""

    def __init__(self, settings: KubernetesSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._log = ServerLog(context.log, self._wake)
        self._threads = ThreadPool("kubernetes", 1)
        self._credentials = Credentials(settings, self._threads)
        self._cluster: Cluster | None = None
        self._has_begun = asyncio.Event()
        """Event set once there is a cluster, or no way to reach one."""
        self._negative: dict[str, float] = {}
        """Time until which an unknown pod is taken as unknown, by its uid."""
        self._background_task = BackgroundTask(self._run)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return what is wrong with the credentials. See `ChecksStart`."""
        problem = "" if self._context.offline else self._credentials.problem()
        return [Obstacle(f"the Kubernetes API cannot be asked: {problem}")] if problem else []

    async def start(self) -> None:
        """Begin to watch; return when the existing pods are known, or the server cannot be reached."""
        if not self._background_task.start(self._context, "watch the Kubernetes API"):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._has_begun.wait()
                if self._cluster is not None:
                    await self._cluster.listed()

    def key(self, event: Event) -> str | None:
        """Return the uid of the pod of the event's process; None outside of a pod."""
        process = event.process if isinstance(event, SyscallEvent) else None
        return None if process is None else self._uid(process)

    def known(self, key: str) -> bool:
        """Return True if the pod is known with all objects that it belongs to, or the server does not know it."""
        if self._context.offline or self._is_complete(key):
            return True
        until = self._negative.get(key)
        return until is not None and time.monotonic() < until

    def is_unanswered(self, key: str) -> bool:
        """Return True if the pod is unknown and the server does not let mozu read pods. See `SaysUnanswered`."""
        return not self._context.offline and not self._log.answers and not self._is_complete(key)

    async def resolve(self, key: str) -> None:
        """Wait for the watch to report the pod: the kubelet starts one after its own watch reported it."""
        if self._cluster is not None and self._log.answers:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.timeout):
                    await self._cluster.known(key)
        self._context.lookups.put(key, None if self._cluster is None else self._cluster.pod(key))
        if not self.known(key):
            self._negative.pop(key, None)
            self._negative[key] = time.monotonic() + (_NEGATIVE_TTL if self._log.answers else _UNREACHABLE_TTL)
            if len(self._negative) > _NEGATIVE_LIMIT:
                del self._negative[next(iter(self._negative))]

    def _is_complete(self, key: str) -> bool:
        return self._cluster is not None and self._cluster.is_known(key)

    def readers(self) -> FieldReaders:
        """Return the readers of the fields `k8smeta.*`."""
        return kubernetes_readers(self)

    async def stop(self) -> None:
        """End the watches, the connections and the thread."""
        await self._background_task.stop()
        self._threads.stop()

    def pod_of(self, event: Any) -> PodObject | None:
        """Return the pod of the event's process, from memory; None if unknown."""
        process = event.process
        if process is None or self._cluster is None:
            return None
        uid = self._uid(process)
        return None if uid is None else self._cluster.pod(uid)

    def namespace(self, pod: PodObject) -> ClusterObject | None:
        """Return the pod's namespace, from memory."""
        return None if self._cluster is None else self._cluster.namespace(pod)

    def services(self, pod: PodObject) -> list[ServiceObject]:
        """Return the services that select the pod, from memory."""
        return [] if self._cluster is None else self._cluster.services(pod)

    def controllers(self, pod: PodObject) -> list[Controller]:
        """Return the pod's controllers, from memory."""
        return [] if self._cluster is None else self._cluster.controllers(pod)

    def _uid(self, process: Process) -> str | None:
        """Return the pod's uid from the cgroup; if that is not below `kubepods`, from the container's label, once
        known. For a container made by a user only the label counts: anyone can name a cgroup after a pod."""
        container = process.container
        if container is None:
            return None
        uid = None if container.proven is None else pod_uid(process.cgroups)
        if uid is not None:
            return uid
        found = self._context.fields.lookups.container(container.key)
        return (found.labels or {}).get(_POD_UID) if isinstance(found, ContainerMetadata) else None

    def _wake(self) -> None:
        self._has_begun.set()
        if self._cluster is not None:
            self._cluster.wake()

    async def _run(self) -> None:
        await self._find_access()
        await self._threads.run(partial(importlib.import_module, _CLIENT), _IMPORT_SECONDS)
        from mozu.plugins.enrichers.kubernetes.api import KubernetesApi  # imports aiohttp: only where there is a server
        from mozu.plugins.enrichers.kubernetes.cluster import Cluster

        api = KubernetesApi(self._credentials, self._settings.timeout)
        node = self._settings.node or os.environ.get("NODE_NAME") or socket.gethostname()
        self._cluster = Cluster(api, node, self._settings.max_objects, self._log, self._context)
        self._has_begun.set()
        try:
            await self._cluster.run()
        finally:
            await api.close()

    async def _find_access(self) -> None:
        """Wait until the access to the server is known."""
        backoff = Backoff(*_PAUSES, jitter=0.5)
        while True:
            try:
                await self._credentials.current()
                return
            except NoAccess as error:
                self._log.failed(PODS, error)
            await asyncio.sleep(backoff.failed())
