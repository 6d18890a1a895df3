"""The services of the cluster, listed and watched for their selectors."""

from collections.abc import Callable
from typing import Final

from mozu.core.api import Context
from mozu.plugins.enrichers.kubernetes.api import KubernetesApi
from mozu.plugins.enrichers.kubernetes.object_limit import ObjectLimit
from mozu.plugins.enrichers.kubernetes.objects import (
    ClusterObject,
    PodObject,
    ServiceDocument,
    ServiceObject,
    kept,
)
from mozu.plugins.enrichers.kubernetes.resources import SERVICES

_CACHE: Final = 4096
"""Most pods whose services are cached."""


class Services:
    """ObjectListener for services. `on_change` is called when the services of pods may have changed."""

    def __init__(self, api: KubernetesApi, limit: int, on_change: Callable[[], None], context: Context) -> None:
        self._api, self._on_change = api, on_change
        self._limit = ObjectLimit(SERVICES, limit, context)
        self._by_namespace: dict[str, dict[str, ServiceObject]] = {}
        self._count = 0
        self._selecting: dict[str, tuple[PodObject, list[ServiceObject]]] = {}
        """A pod and the services that select it, by uid of the pod; cleared when a service changes."""
        self.is_listed = False
        """True also if the server does not let mozu read services."""
        context.metrics.gauge("kubernetes_objects", lambda: self._count, resource=SERVICES.plural)

    def of(self, pod: PodObject) -> list[ServiceObject]:
        """Return the services whose selectors match the pod's labels, ordered by name. A service without a selector
        selects no pod."""
        kept = self._selecting.get(pod.uid)
        if kept is not None and kept[0] is pod:
            return kept[1]
        labels = pod.labels.items()
        found = self._by_namespace.get(pod.namespace, {}).values()
        chosen = sorted(
            (one for one in found if one.selector and one.selector.items() <= labels), key=lambda one: one.name
        )
        if len(self._selecting) >= _CACHE:
            self._selecting.clear()
        self._selecting[pod.uid] = pod, chosen
        return chosen

    async def refresh(self) -> str:
        """List all services; return the list's version."""
        found: dict[str, dict[str, ServiceObject]] = {}
        count, version = 0, ""
        async for page in self._api.pages(SERVICES, ServiceDocument, ""):
            for document in page.items or ():
                service = kept(document)
                if isinstance(service, ServiceObject) and self._limit.has_room(count):
                    found.setdefault(service.namespace, {})[service.uid] = service
                    count += 1
            version = page.metadata.resource_version
        self._by_namespace, self._count, self.is_listed = found, count, True
        self._changed()
        return version

    def changed(self, found: ClusterObject) -> None:
        """Keep a new or changed service, within the limit."""
        if not isinstance(found, ServiceObject):
            return
        there = self._by_namespace.setdefault(found.namespace, {})
        if found.uid not in there:
            if not self._limit.has_room(self._count):
                return
            self._count += 1
        there[found.uid] = found
        self._changed()

    def deleted(self, found: ClusterObject) -> None:
        """Drop a deleted service."""
        there = self._by_namespace.get(found.namespace, {})
        if there.pop(found.uid, None) is not None:
            self._count -= 1
        if not there:
            self._by_namespace.pop(found.namespace, None)
        self._changed()

    def _changed(self) -> None:
        self._selecting.clear()
        self._on_change()

    def refused(self) -> None:
        """Mark the services as listed, so that pods do not wait for them."""
        self.is_listed = True
        self._changed()
