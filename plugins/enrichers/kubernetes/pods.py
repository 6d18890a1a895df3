"""The pods of this machine, listed and watched."""

import time
from collections.abc import Callable
from typing import Final

from mozu.core.api import Context
from mozu.plugins.enrichers.kubernetes.api import KubernetesApi
from mozu.plugins.enrichers.kubernetes.object_limit import ObjectLimit
from mozu.plugins.enrichers.kubernetes.objects import ClusterObject, PodDocument, PodObject, kept
from mozu.plugins.enrichers.kubernetes.resources import PODS

_GRACE: Final = 60.0
"""Seconds for which a deleted pod stays known, because its last events may still arrive."""


class Pods:
    """ObjectListener for pods. `on_change` is called with each new or changed pod."""

    def __init__(
        self,
        api: KubernetesApi,
        selector: str,
        limit: int,
        on_change: Callable[[PodObject], None],
        context: Context,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._selector, self._on_change, self._clock = api, selector, on_change, clock
        self._limit, self._log = ObjectLimit(PODS, limit, context), context.log
        self._pods: dict[str, PodObject] = {}
        self._static: dict[str, str] = {}
        """Uid of a static pod's mirror, by the uid in the static pod's cgroup."""
        self._gone: dict[str, float] = {}
        """Time at which to forget a deleted pod, by uid; in order of time."""
        self.is_listed = False
        context.metrics.gauge("kubernetes_objects", lambda: len(self._pods), resource=PODS.plural)

    def __len__(self) -> int:
        return len(self._pods)

    def all(self) -> list[PodObject]:
        """Return all known pods."""
        return list(self._pods.values())

    def get(self, uid: str) -> PodObject | None:
        """Return the pod with the uid of a cgroup; None if unknown."""
        return self._pods.get(uid) or self._pods.get(self._static.get(uid, ""))

    async def refresh(self) -> str:
        """List all pods; known ones missing in the list are gone. Return the list's version."""
        found: dict[str, PodObject] = {}
        version = ""
        async for page in self._api.pages(PODS, PodDocument, self._selector):
            for document in page.items or ():
                pod = kept(document)
                if isinstance(pod, PodObject) and (pod.uid in self._pods or self._limit.has_room(len(found))):
                    found[pod.uid] = pod
            version = page.metadata.resource_version
        for uid in self._pods.keys() - found.keys():
            self._end(uid)
        for pod in found.values():
            self._put(pod)
        if not found and not self._pods and not self.is_listed:
            text = "there are no pods with %s: is that this machine's name in Kubernetes? If not, set `node`"
            self._log.warning(text, self._selector)
        self.is_listed = True
        return version

    def changed(self, found: ClusterObject) -> None:
        """Keep a new or changed pod, within the limit."""
        if isinstance(found, PodObject) and (found.uid in self._pods or self._limit.has_room(len(self._pods))):
            self._put(found)
        self.forget()

    def deleted(self, found: ClusterObject) -> None:
        """Keep a deleted pod for _GRACE seconds more."""
        self._end(found.uid)
        self.forget()

    def refused(self) -> None:
        """Do nothing: known pods stay."""

    def _put(self, pod: PodObject) -> None:
        self._gone.pop(pod.uid, None)
        self._pods[pod.uid] = pod
        if pod.mirrored:
            self._static[pod.mirrored] = pod.uid
        self._on_change(pod)

    def _end(self, uid: str) -> None:
        if uid in self._pods:
            self._gone.setdefault(uid, self._clock() + _GRACE)

    def forget(self) -> None:
        """Forget deleted pods whose time is over."""
        now = self._clock()
        while self._gone and next(iter(self._gone.values())) <= now:
            uid = next(iter(self._gone))
            del self._gone[uid]
            pod = self._pods.pop(uid, None)
            if pod is not None and self._static.get(pod.mirrored) == uid:
                del self._static[pod.mirrored]
