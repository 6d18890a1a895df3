"""What a bundle and containerd's database together say of a container."""

from collections.abc import Mapping
from typing import Final

import msgspec

from mozu.core.common.containers.oci_spec import OciSpec
from mozu.core.model.containers.image import Image, ImageNames, identify
from mozu.core.model.containers.metadata import ContainerMetadata

_CRI: Final = "io.kubernetes.cri."
_LABELS: Final[Mapping[str, str]] = {
    "sandbox-name": "io.kubernetes.pod.name",
    "sandbox-namespace": "io.kubernetes.pod.namespace",
    "sandbox-uid": "io.kubernetes.pod.uid",
    "container-name": "io.kubernetes.container.name",
}
"""Annotation of CRI in the specification → the kubelet's label, which fields of pods read."""
_SANDBOX: Final = "sandbox"


class StoredContainer(msgspec.Struct, frozen=True):
    """A container as containerd's database has it (`Container` of containers.proto)."""

    image: str
    labels: dict[str, str]
    spec: bytes
    """Its OCI specification, JSON; empty where it has none."""
    created: int
    """ns since the epoch."""


def describe(
    container_id: str,
    spec: OciSpec,
    *,
    created: int,
    record: StoredContainer | None,
    digest: str,
    sandbox: OciSpec | None,
) -> ContainerMetadata:
    """`record` and `digest` are the database's, where it could be asked; `sandbox` is the pod's, whose namespaces the
    container joins. What neither tells is None.
    """
    cri = {key.removeprefix(_CRI): value for key, value in spec.annotations.items() if key.startswith(_CRI)}
    reference = (record.image if record is not None else "") or cri.get("image-name")
    image = Image() if not reference else identify(reference, "", ImageNames())
    shared = spec if sandbox is None else sandbox
    return ContainerMetadata(
        full_id=container_id,
        name=_name(container_id, cri),
        image=reference or None,
        repository=image.repository or None,
        tag=image.tag or None,
        digest=image.digest or digest or (None if record is None else ""),
        privileged=spec.privileged,
        mounts=spec.mounts,
        labels=_labels(spec, cri, record),
        host_pid=_shares(spec, shared, "pid"),
        host_network=_shares(spec, shared, "network"),
        host_ipc=_shares(spec, shared, "ipc"),
        created=created if record is None else record.created or created,
        sandbox_id=cri.get("sandbox-id", ""),
    )


def sandbox_of(container_id: str, spec: OciSpec) -> str:
    """The id of the pod's sandbox whose specification tells of the namespaces that this container joins; or empty."""
    sandbox = spec.annotations.get(f"{_CRI}sandbox-id", "")
    return sandbox if sandbox != container_id else ""


def _name(container_id: str, cri: Mapping[str, str]) -> str:
    """The pod's name for its container; containerd's containers have no name but their id."""
    if cri.get("container-type") == _SANDBOX:
        return cri.get("sandbox-name", container_id)
    return cri.get("container-name", container_id)


def _labels(spec: OciSpec, cri: Mapping[str, str], record: StoredContainer | None) -> dict[str, str]:
    """Without the database: what ctr and nerdctl write as annotations."""
    found = {label: cri[key] for key, label in _LABELS.items() if key in cri}
    if record is not None:
        return found | record.labels
    return found | {key: value for key, value in spec.annotations.items() if not key.startswith(_CRI)}


def _shares(spec: OciSpec, sandbox: OciSpec, kind: str) -> bool:
    return sandbox.shares_host(kind) if spec.joins(kind) else spec.shares_host(kind)
