"""Known pods of one machine, with the services that select them and the objects that they belong to."""

import asyncio
from typing import Final

from mozu.core.api import Context
from mozu.plugins.enrichers.kubernetes.api import KubernetesApi
from mozu.plugins.enrichers.kubernetes.controller import Controller
from mozu.plugins.enrichers.kubernetes.objects import (
    ClusterObject,
    PodDocument,
    PodObject,
    ServiceDocument,
    ServiceObject,
)
from mozu.plugins.enrichers.kubernetes.owners import Owners
from mozu.plugins.enrichers.kubernetes.pods import Pods
from mozu.plugins.enrichers.kubernetes.reflector import Reflector
from mozu.plugins.enrichers.kubernetes.resources import PODS, SERVICES
from mozu.plugins.enrichers.kubernetes.server_log import ServerLog
from mozu.plugins.enrichers.kubernetes.services import Services

_FORGET_INTERVAL: Final = 60.0
"""Seconds between two removals of objects that no pod refers to."""


class Cluster:
    """Objects of the cluster, kept up to date while `run` runs."""

    def __init__(self, api: KubernetesApi, node: str, max_objects: int, log: ServerLog, context: Context) -> None:
        self._log = log
        selector = f"spec.nodeName={node}"
        self._pods = Pods(api, selector, max_objects, self._pod_changed, context)
        self._services = Services(api, max_objects, self.wake, context)
        self._owners = Owners(api, log, context, self.wake)
        self._reflectors = (
            Reflector(api, PODS, PodDocument, self._pods, log, context, selector),
            Reflector(api, SERVICES, ServiceDocument, self._services, log, context),
        )
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Watch the cluster until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._owners.use(group)
            for reflector in self._reflectors:
                group.create_task(reflector.run(), name="kubernetes list and watch")
            while True:
                await asyncio.sleep(_FORGET_INTERVAL)
                self._pods.forget()
                self._owners.keep(self._pods.all())

    def pod(self, uid: str) -> PodObject | None:
        """Return the pod with the uid of a cgroup; None if unknown."""
        return self._pods.get(uid)

    def is_known(self, uid: str) -> bool:
        """Return True if all objects for the fields of a pod are known, or known to be unavailable."""
        pod = self._pods.get(uid)
        return pod is not None and self._services.is_listed and self._owners.is_known(pod)

    async def listed(self) -> None:
        """Wait until the existing pods are known, or the server cannot be reached."""
        while not (self._pods.is_listed and self._services.is_listed) and not self._log.is_out_of_reach:
            await self._changed.wait()
        for pod in self._pods.all():
            while not self._owners.is_known(pod) and not self._log.is_out_of_reach:
                await self._changed.wait()

    async def known(self, uid: str) -> None:
        """Wait until a pod is known, or the server cannot be reached."""
        while not self.is_known(uid) and self._log.answers:
            await self._changed.wait()

    def wake(self) -> None:
        """Wake the waiting tasks to check again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def namespace(self, pod: PodObject) -> ClusterObject | None:
        """Return the pod's namespace; None if unknown."""
        return self._owners.namespace(pod)

    def services(self, pod: PodObject) -> list[ServiceObject]:
        """Return the services that select the pod."""
        return self._services.of(pod)

    def controllers(self, pod: PodObject) -> list[Controller]:
        """Return the pod's controllers, from the pod upwards."""
        return list(self._owners.controllers(pod))

    def _pod_changed(self, pod: PodObject) -> None:
        self._owners.want(pod)
        self.wake()
