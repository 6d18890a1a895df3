"""The kinds of objects that are read, with their paths in the Kubernetes API."""

from collections.abc import Mapping
from typing import Final

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """A kind of object."""

    kind: str
    """Name in objects and owner references, such as `ReplicaSet`."""
    plural: str
    """Name in paths and permissions, such as `replicasets`."""
    group: str = ""
    """API group, such as `apps`; empty for the core group."""
    metadata_only: bool = True
    """True if the server is to send metadata alone (`PartialObjectMetadata`)."""
    namespaced: bool = True

    @property
    def path(self) -> str:
        """Path of all objects of the kind, in all namespaces."""
        return f"{self._prefix}/{self.plural}"

    @property
    def _prefix(self) -> str:
        return f"/apis/{self.group}/v1" if self.group else "/api/v1"

    def path_of(self, namespace: str, name: str) -> str:
        """Return the path of one object."""
        place = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self._prefix}{place}/{self.plural}/{name}"

    def __str__(self) -> str:
        """Return the name in roles, such as `replicasets.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


PODS: Final = Resource("Pod", "pods", metadata_only=False)
"""Pods, read completely for their addresses."""
SERVICES: Final = Resource("Service", "services", metadata_only=False)
"""Services, read completely for their selectors."""
NAMESPACES: Final = Resource("Namespace", "namespaces", namespaced=False)
CONTROLLERS: Final = (
    Resource("ReplicationController", "replicationcontrollers"),
    Resource("ReplicaSet", "replicasets", "apps"),
    Resource("Deployment", "deployments", "apps"),
    Resource("DaemonSet", "daemonsets", "apps"),
    Resource("StatefulSet", "statefulsets", "apps"),
    Resource("Job", "jobs", "batch"),
    Resource("CronJob", "cronjobs", "batch"),
)
RESOURCES: Final = (PODS, SERVICES, NAMESPACES, *CONTROLLERS)
BY_REFERENCE: Final[Mapping[tuple[str, str], Resource]] = {(one.group, one.kind): one for one in CONTROLLERS}
"""Resources by (group, kind) of an owner reference."""
