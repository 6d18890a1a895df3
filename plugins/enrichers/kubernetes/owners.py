"""What the pods of this machine belong to: their namespaces and controllers, and what controls those.

A cluster has many more of these than a machine has pods of, so none are listed. Those that a pod refers to are fetched
one by one; a watch of their kind, which begins with the first of them, reports their changes, of metadata alone.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.api import Context
from mozu.core.common.backoff import Backoff
from mozu.plugins.enrichers.kubernetes.access import NoAccess
from mozu.plugins.enrichers.kubernetes.answers import RequestRefused, ServerUnreachable
from mozu.plugins.enrichers.kubernetes.api import KubernetesApi
from mozu.plugins.enrichers.kubernetes.controller import Controller
from mozu.plugins.enrichers.kubernetes.objects import ClusterObject, Metadata, OwnerReference, PodObject, kept
from mozu.plugins.enrichers.kubernetes.reflector import Reflector
from mozu.plugins.enrichers.kubernetes.resources import BY_REFERENCE, CONTROLLERS, NAMESPACES, Resource
from mozu.plugins.enrichers.kubernetes.server_log import ServerLog

_MAX_FETCHES: Final = 8
"""Concurrent requests for single objects."""
_PAUSES: Final = (0.2, 10.0)
"""First and longest seconds between two requests for one object where the first failed; half of it is jitter."""
_MAX_CHAIN: Final = 4
"""Controllers above a pod that are followed: references of a hostile cluster may go in circles."""


class _Wanted(msgspec.Struct, frozen=True):
    """An object that a pod refers to."""

    resource: Resource
    key: str
    """The uid; of a namespace, to which pods refer by its name, that."""
    namespace: str
    name: str


class Owners:
    """Of all pods. `on_change` is called when something of it has become known."""

    def __init__(self, api: KubernetesApi, log: ServerLog, context: Context, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._kinds = {one: _OwnersOfKind(api, one, log, context, self._settled) for one in (NAMESPACES, *CONTROLLERS)}

    def use(self, group: asyncio.TaskGroup) -> None:
        """Requests are made by tasks of this group."""
        for kind in self._kinds.values():
            kind.group = group

    def want(self, pod: PodObject) -> None:
        """Fetch what is not known of what a pod belongs to."""
        for wanted in self._references(pod):
            self._kinds[wanted.resource].want(wanted)

    def _settled(self, found: ClusterObject | None) -> None:
        """What controls it is wanted, too."""
        reference = None if found is None else found.owner
        resource = None if reference is None else BY_REFERENCE.get((reference.group, reference.kind))
        if found is not None and reference is not None and resource is not None:
            self._kinds[resource].want(_Wanted(resource, reference.uid, found.namespace, reference.name))
        self._on_change()

    def is_known(self, pod: PodObject) -> bool:
        """Whether everything that can be known of it is."""
        return all(self._kinds[wanted.resource].is_settled(wanted.key) for wanted in self._references(pod))

    def namespace(self, pod: PodObject) -> ClusterObject | None:
        """The pod's."""
        return self._kinds[NAMESPACES].get(pod.namespace)

    def controllers(self, pod: PodObject) -> Iterator[Controller]:
        """From the pod upwards, as far as is known."""
        reference = pod.owner
        for _ in range(_MAX_CHAIN):
            if reference is None:
                return
            resource, found = self._find(reference)
            labels = None if found is None else found.labels
            yield Controller(resource, reference.kind, reference.name, reference.uid, labels)
            reference = None if found is None else found.owner

    def keep(self, pods: Iterable[PodObject]) -> None:
        """Forget what no pod refers to."""
        keys: dict[Resource, set[str]] = {resource: set() for resource in self._kinds}
        for pod in pods:
            for wanted in self._references(pod):
                keys[wanted.resource].add(wanted.key)
        for resource, kind in self._kinds.items():
            kind.keep(keys[resource])

    def _find(self, reference: OwnerReference) -> tuple[Resource | None, ClusterObject | None]:
        resource = BY_REFERENCE.get((reference.group, reference.kind))
        return resource, None if resource is None else self._kinds[resource].get(reference.uid)

    def _references(self, pod: PodObject) -> Iterator[_Wanted]:
        """To the namespace, and to controllers as far as they are known and to the first that is not."""
        yield _Wanted(NAMESPACES, pod.namespace, "", pod.namespace)
        reference = pod.owner
        for _ in range(_MAX_CHAIN):
            if reference is None:
                return
            resource, found = self._find(reference)
            if resource is not None:
                yield _Wanted(resource, reference.uid, pod.namespace, reference.name)
            reference = None if found is None else found.owner


class _OwnersOfKind:
    """Implements ObjectListener for one kind, whose watch it begins itself."""

    def __init__(
        self,
        api: KubernetesApi,
        resource: Resource,
        log: ServerLog,
        context: Context,
        on_settled: Callable[[ClusterObject | None], None],
    ) -> None:
        self._api, self._resource, self._log, self._on_settled = api, resource, log, on_settled
        self._reflector = Reflector(api, resource, Metadata, self, log, context)
        self.group: asyncio.TaskGroup | None = None
        self._wanted: dict[str, _Wanted] = {}
        self._found: dict[str, ClusterObject | None] = {}
        """Key → what is known; None: that there is no such object, or that it may not be read."""
        self._fetching: dict[str, object] = {}
        """Key → the newest of its fetches, whose answer alone counts."""
        self._room = asyncio.Semaphore(_MAX_FETCHES)
        self._is_watched = self._is_ready = self._is_refused = False
        context.metrics.gauge("kubernetes_objects", lambda: len(self._found), resource=resource.plural)

    def want(self, wanted: _Wanted) -> None:
        """Fetch it, unless that was done; the first begins the watch, from before which nothing may be fetched."""
        if wanted.key in self._wanted or self.group is None:
            return
        self._wanted[wanted.key] = wanted
        if self._is_refused:
            self._found[wanted.key] = None
        elif self._is_ready:
            self._fetch(wanted)
        if not self._is_watched:
            self._is_watched = True
            self.group.create_task(self._reflector.run(), name=f"kubernetes {self._resource}")

    def is_settled(self, key: str) -> bool:
        """Whether it is known, or that it cannot be."""
        return key in self._found

    def get(self, key: str) -> ClusterObject | None:
        """What is known."""
        return self._found.get(key)

    def keep(self, keys: set[str]) -> None:
        """Forget all others."""
        for key in self._wanted.keys() - keys:
            del self._wanted[key]
            self._found.pop(key, None)
            self._fetching.pop(key, None)

    async def refresh(self) -> str:
        """Changes from now on; what is wanted is fetched (again), now that none can be missed."""
        version = await self._api.version(self._resource)
        self._is_ready, self._is_refused = True, False
        for wanted in self._wanted.values():
            self._fetch(wanted)
        return version

    def changed(self, found: ClusterObject) -> None:
        """Keep it if it is wanted."""
        key = self._key(found)
        self._fetching.pop(key, None)  # what is being fetched may be older
        self._settle(key, found)

    def deleted(self, found: ClusterObject) -> None:
        """Pods that still refer to it know it until they are gone themselves."""

    def refused(self) -> None:
        """Pods need not wait for it."""
        self._is_refused = True
        for key in self._wanted:
            self._found.setdefault(key, None)
        self._on_settled(None)

    def _key(self, found: ClusterObject) -> str:
        return found.uid if self._resource.namespaced else found.name

    def _fetch(self, wanted: _Wanted) -> None:
        if self.group is not None:
            fetch = self._fetching[wanted.key] = object()
            self.group.create_task(self._fetched(wanted, fetch), name=f"kubernetes {self._resource} {wanted.name}")

    async def _fetched(self, wanted: _Wanted, fetch: object) -> None:
        """Until there is an answer, or none is wanted any more."""
        backoff = Backoff(*_PAUSES, jitter=0.5)
        while wanted.key in self._wanted and self._fetching.get(wanted.key) is fetch:
            try:
                async with self._room:
                    document = await self._api.get(wanted.resource, wanted.namespace, wanted.name)
            except (ServerUnreachable, NoAccess, RequestRefused) as error:
                repeated = self._log.failed(self._resource, error)
                if not (repeated and isinstance(error, RequestRefused) and error.is_final):
                    await asyncio.sleep(backoff.failed())
                    continue
                document = None
            if self._fetching.get(wanted.key) is fetch:
                del self._fetching[wanted.key]
                self._answered(wanted, None if document is None else kept(document))

    def _answered(self, wanted: _Wanted, found: ClusterObject | None) -> None:
        """Another object may have the name by now: then the one that is wanted has gone."""
        if found is None or self._key(found) != wanted.key:
            found = self._found.get(wanted.key)
        self._settle(wanted.key, found)

    def _settle(self, key: str, found: ClusterObject | None) -> None:
        if key in self._wanted:
            self._found[key] = found
            self._on_settled(found)
