"""Owners of this machine's pods: their namespaces and controllers, and the controllers of those.

A cluster has many more of these than a machine has pods of, so none are listed. Those that a pod refers to are fetched
one by one; a watch of their kind, which begins with the first of them, reports changes of their metadata.
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
"""First and longest seconds between two requests for one object after a failure; half of it is jitter."""
_MAX_CHAIN: Final = 4
"""Most controllers above a pod that are followed: references in a hostile cluster may be circular."""


class _Wanted(msgspec.Struct, frozen=True):
    """An object that a pod refers to."""

    resource: Resource
    key: str
    """Uid of the object; for a namespace its name, by which pods refer to it."""
    namespace: str
    name: str


class Owners:
    """Owners of all pods. `on_change` is called when one has become known."""

    def __init__(self, api: KubernetesApi, log: ServerLog, context: Context, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._kinds = {one: _OwnersOfKind(api, one, log, context, self._settled) for one in (NAMESPACES, *CONTROLLERS)}

    def use(self, group: asyncio.TaskGroup) -> None:
        """Set the group whose tasks make the requests."""
        for kind in self._kinds.values():
            kind.group = group

    def want(self, pod: PodObject) -> None:
        """Fetch the pod's owners that are unknown."""
        for wanted in self._references(pod):
            self._kinds[wanted.resource].want(wanted)

    def _settled(self, found: ClusterObject | None) -> None:
        """Fetch the controller of an object that has become known, too."""
        reference = None if found is None else found.owner
        resource = None if reference is None else BY_REFERENCE.get((reference.group, reference.kind))
        if found is not None and reference is not None and resource is not None:
            self._kinds[resource].want(_Wanted(resource, reference.uid, found.namespace, reference.name))
        self._on_change()

    def is_known(self, pod: PodObject) -> bool:
        """Return True if all of the pod's owners are known, or known to be unavailable."""
        return all(self._kinds[wanted.resource].is_settled(wanted.key) for wanted in self._references(pod))

    def namespace(self, pod: PodObject) -> ClusterObject | None:
        """Return the pod's namespace; None if unknown."""
        return self._kinds[NAMESPACES].get(pod.namespace)

    def controllers(self, pod: PodObject) -> Iterator[Controller]:
        """Yield the known controllers, from the pod upwards."""
        reference = pod.owner
        for _ in range(_MAX_CHAIN):
            if reference is None:
                return
            resource, found = self._find(reference)
            labels = None if found is None else found.labels
            yield Controller(resource, reference.kind, reference.name, reference.uid, labels)
            reference = None if found is None else found.owner

    def keep(self, pods: Iterable[PodObject]) -> None:
        """Forget owners that no pod refers to."""
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
        """Yield references to the namespace, to the known controllers, and to the first unknown one."""
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
    """ObjectListener for one kind, which begins the watch of the kind itself."""

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
        """Known object by key; None if it does not exist or may not be read."""
        self._fetching: dict[str, object] = {}
        """Newest fetch by key; answers of older ones are ignored."""
        self._room = asyncio.Semaphore(_MAX_FETCHES)
        self._is_watched = self._is_ready = self._is_refused = False
        context.metrics.gauge("kubernetes_objects", lambda: len(self._found), resource=resource.plural)

    def want(self, wanted: _Wanted) -> None:
        """Fetch the object unless that was done. The first call begins the watch; objects are fetched once the watch
        has a version to begin with."""
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
        """Return True if the object is known, or known to be unavailable."""
        return key in self._found

    def get(self, key: str) -> ClusterObject | None:
        """Return the object; None if unknown or unavailable."""
        return self._found.get(key)

    def keep(self, keys: set[str]) -> None:
        """Forget all objects with other keys."""
        for key in self._wanted.keys() - keys:
            del self._wanted[key]
            self._found.pop(key, None)
            self._fetching.pop(key, None)

    async def refresh(self) -> str:
        """Return the present version, from which the watch begins, and fetch (again) the wanted objects: no change can
        be missed now."""
        version = await self._api.version(self._resource)
        self._is_ready, self._is_refused = True, False
        for wanted in self._wanted.values():
            self._fetch(wanted)
        return version

    def changed(self, found: ClusterObject) -> None:
        """Keep the object if it is wanted."""
        key = self._key(found)
        self._fetching.pop(key, None)  # what is being fetched may be older
        self._settle(key, found)

    def deleted(self, found: ClusterObject) -> None:
        """Do nothing: pods that still refer to the object know it until they are gone themselves."""

    def refused(self) -> None:
        """Mark unknown objects as unavailable, so that pods do not wait for them."""
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
        """Fetch an object until there is an answer, or it is not wanted any more."""
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
        """Settle a fetch. If another object has the name now, the wanted one is gone."""
        if found is None or self._key(found) != wanted.key:
            found = self._found.get(wanted.key)
        self._settle(wanted.key, found)

    def _settle(self, key: str, found: ClusterObject | None) -> None:
        if key in self._wanted:
            self._found[key] = found
            self._on_settled(found)
