"""The description of a container from its bundle and containerd's database together."""

from collections.abc import Mapping
from typing import Final

import msgspec

from mozu.core.model.containers.image import Image, ImageNames, identify
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.cni_results import CniResult
from mozu.plugins.enrichers.containers.kubelet_probes import probes_of
from mozu.plugins.enrichers.containers.oci_spec import OciSpec

_CRI: Final = "io.kubernetes.cri."
_LABELS: Final[Mapping[str, str]] = {
    "sandbox-name": "io.kubernetes.pod.name",
    "sandbox-namespace": "io.kubernetes.pod.namespace",
    "sandbox-uid": "io.kubernetes.pod.uid",
    "container-name": "io.kubernetes.container.name",
}
"""Annotation of CRI in the specification → the kubelet's label, which fields of pods read."""
_SANDBOX: Final = "sandbox"
_ANNOTATION: Final = "annotation."
"""Prefix of an annotation's name among labels."""


class PodConfig(msgspec.Struct):
    """The configuration of a pod, as given by the kubelet."""

    annotations: dict[str, str] | None = None


class StoredSandbox(msgspec.Struct, rename="pascal"):
    """The CRI plugin's data about a pod's sandbox that no label has."""

    ip: str = msgspec.field(name="IP", default="")
    cni_result: msgspec.Raw = msgspec.field(name="CNIResult", default=msgspec.Raw(b""))
    config: PodConfig | None = None

    def cni(self) -> CniResult:
        """Return the network result; empty if the pod has the host's network."""
        result = bytes(self.cni_result).decode(errors="replace")
        return CniResult(self.ip if "." in self.ip else "", "" if result == "null" else result)

    def annotations(self) -> dict[str, str]:
        """Return the annotations of the pod."""
        return (None if self.config is None else self.config.annotations) or {}


class StoredContainer(msgspec.Struct, frozen=True):
    """A container as in containerd's database (`Container` of containers.proto)."""

    image: str
    labels: dict[str, str]
    spec: bytes
    """The OCI specification, JSON; empty if there is none."""
    created: int
    """Creation time, ns since the epoch."""
    digest: str | None = None
    """Digest of the image's name when the container was made; None if not known. Likewise the image's id."""
    image_id: str | None = None
    sandbox: StoredSandbox | None = None
    """Data about the sandbox, for a pod's sandbox."""


class FoundContainer(msgspec.Struct, frozen=True):
    """A container as it was found."""

    full_id: str
    spec: OciSpec
    created: int
    """Creation time, ns since the epoch; that of the specification if the database has not answered."""
    record: StoredContainer | None = None
    """The database's record; None if it could not be read."""
    cni: CniResult | None = None
    """The network result; None if nothing is known."""
    by: str = "files"
    """Origin of the facts: files, or api if the files could not be read."""

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations of the pod, if the container is its sandbox; otherwise empty."""
        sandbox = None if self.record is None else self.record.sandbox
        return {} if sandbox is None else sandbox.annotations()

    @property
    def sandbox_id(self) -> str:
        """Id of the pod's sandbox; the container's own if it is one, empty outside pods."""
        return self.spec.annotations.get(f"{_CRI}sandbox-id", "")


def describe(found: FoundContainer, pod: FoundContainer | None = None) -> ContainerMetadata:
    """Return a container's metadata. `pod` is its sandbox, whose namespaces the container joins. Facts that neither has
    are None."""
    spec, record = found.spec, found.record
    cri = {key.removeprefix(_CRI): value for key, value in spec.annotations.items() if key.startswith(_CRI)}
    reference = cri.get("image-name") or (record.image if record is not None else "")
    image = Image() if not reference else identify(reference, "", ImageNames())
    shared = spec if pod is None else pod.spec
    cni = found.cni if pod is None else pod.cni
    probes = probes_of({} if pod is None else pod.annotations, cri.get("container-name", ""))
    return ContainerMetadata(
        full_id=found.full_id,
        name=_name(found.full_id, cri),
        image=reference or None,
        image_id=_image_id(record),
        repository=image.repository or None,
        tag=image.tag or None,
        digest=image.digest or (None if record is None else record.digest),
        privileged=spec.privileged,
        mounts=spec.mounts,
        labels=_labels(found, cri),
        ip=None if cni is None else cni.ip,
        host_pid=_shares(spec, shared, "pid"),
        host_network=_shares(spec, shared, "network"),
        host_ipc=_shares(spec, shared, "ipc"),
        created=found.created,
        sandbox_id=found.sandbox_id,
        cni_json=None if cni is None else cni.json,
        healthcheck=(),
        liveness_probe=probes.liveness,
        readiness_probe=probes.readiness,
        cgroups=spec.cgroups,
    )


def _name(container_id: str, cri: Mapping[str, str]) -> str:
    """Return the pod's name for its container; containerd's own containers have no name but their id."""
    if cri.get("container-type") == _SANDBOX:
        return cri.get("sandbox-name", container_id)
    return cri.get("container-name", container_id)


def _image_id(record: StoredContainer | None) -> str | None:
    """Return the image's id. CRI makes containers by the image's id, which is then its name too."""
    if record is None:
        return None
    kind, _, digits = record.image.partition(":")
    return digits if kind == "sha256" else record.image_id


def _labels(found: FoundContainer, cri: Mapping[str, str]) -> dict[str, str]:
    """Return the labels; without the database, the annotations that ctr and nerdctl write."""
    labels = {label: cri[key] for key, label in _LABELS.items() if key in cri}
    if found.record is None:
        return labels | {key: value for key, value in found.spec.annotations.items() if not key.startswith(_CRI)}
    annotations = {f"{_ANNOTATION}{key}": value for key, value in found.annotations.items()}
    return labels | annotations | found.record.labels


def _shares(spec: OciSpec, sandbox: OciSpec, kind: str) -> bool:
    return sandbox.shares_host(kind) if spec.joins(kind) else spec.shares_host(kind)
