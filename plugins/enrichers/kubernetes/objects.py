"""Objects of the Kubernetes API, with the parts that fields need; other parts of an answer are skipped.

Names are those of the API's own types (`ObjectMeta`, `OwnerReference`, `WatchEvent`).
"""

from typing import Final, Generic, TypeVar

import msgspec

_NO_LABELS: Final[dict[str, str]] = {}


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """Reference to an object that another belongs to."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None

    @property
    def group(self) -> str:
        """API group, `apps` for `apps/v1`; empty for the core group."""
        return self.api_version.rpartition("/")[0]


class _Annotations(msgspec.Struct, frozen=True):
    mirror: str = msgspec.field(default="", name="kubernetes.io/config.mirror")


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """Metadata of an object, common to all kinds."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    annotations: _Annotations | None = None


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    pod_ip: str = msgspec.field(default="", name="podIP")


class _Spec(msgspec.Struct, frozen=True):
    selector: dict[str, str] | None = None


class Metadata(msgspec.Struct, frozen=True):
    """An object of which only metadata are read."""

    metadata: ObjectMeta = ObjectMeta()


class PodDocument(Metadata, frozen=True):
    """A pod."""

    status: _Status = _Status()


class ServiceDocument(Metadata, frozen=True):
    """A service."""

    spec: _Spec = _Spec()


D = TypeVar("D", bound=Metadata)


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[D], frozen=True):
    """A list, or a page of one."""

    metadata: _ListMeta = _ListMeta()
    items: tuple[D, ...] | None = None


class WatchLine(msgspec.Struct, frozen=True):
    """A line of a watch."""

    type: str
    object: msgspec.Raw


class Status(msgspec.Struct, frozen=True):
    """The server's description of an error."""

    code: int = 0
    reason: str = ""
    message: str = ""


class ClusterObject(msgspec.Struct, frozen=True, kw_only=True):
    """Stored parts of an object; replaced, never changed."""

    name: str
    namespace: str
    uid: str
    labels: dict[str, str]
    owner: OwnerReference | None
    """Reference to the object's controller; None if it has none."""


class PodObject(ClusterObject, frozen=True, kw_only=True):
    """Stored parts of a pod."""

    ip: str
    mirrored: str
    """Uid that the kubelet has given a static pod, if this object is its mirror; else empty."""


class ServiceObject(ClusterObject, frozen=True, kw_only=True):
    """Stored parts of a service."""

    selector: dict[str, str]


def kept(document: Metadata) -> ClusterObject:
    """Return the stored parts of a document."""
    meta = document.metadata
    name, namespace, uid, labels = meta.name, meta.namespace, meta.uid, meta.labels or _NO_LABELS
    owner = next((one for one in meta.owner_references or () if one.controller), None)
    if isinstance(document, PodDocument):
        ip, mirrored = document.status.pod_ip, "" if meta.annotations is None else meta.annotations.mirror
        return PodObject(name=name, namespace=namespace, uid=uid, labels=labels, owner=owner, ip=ip, mirrored=mirrored)
    if isinstance(document, ServiceDocument):
        selector = document.spec.selector or _NO_LABELS
        return ServiceObject(name=name, namespace=namespace, uid=uid, labels=labels, owner=owner, selector=selector)
    return ClusterObject(name=name, namespace=namespace, uid=uid, labels=labels, owner=owner)
