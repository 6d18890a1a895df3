"""What a bundle and containerd's database together say of a container."""

from collections.abc import Mapping
from typing import Final

import msgspec

from mozu.core.common.containers.cni_results import CniResult
from mozu.core.common.containers.kubelet_probes import probes_of
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
_ANNOTATION: Final = "annotation."
"""Before the name of an annotation among labels."""


class PodConfig(msgspec.Struct):
    """The configuration of a pod, as the kubelet gave it."""

    annotations: dict[str, str] | None = None


class StoredSandbox(msgspec.Struct, rename="pascal"):
    """What containerd's CRI plugin keeps of a pod's sandbox, as far as no label has it."""

    ip: str = msgspec.field(name="IP", default="")
    cni_result: msgspec.Raw = msgspec.field(name="CNIResult", default=msgspec.Raw(b""))
    config: PodConfig | None = None

    def cni(self) -> CniResult:
        """Empty where the pod has the host's network."""
        result = bytes(self.cni_result).decode(errors="replace")
        return CniResult(self.ip if "." in self.ip else "", "" if result == "null" else result)

    def annotations(self) -> dict[str, str]:
        """Of the pod."""
        return (None if self.config is None else self.config.annotations) or {}


class StoredContainer(msgspec.Struct, frozen=True):
    """A container as containerd's database has it (`Container` of containers.proto)."""

    image: str
    labels: dict[str, str]
    spec: bytes
    """Its OCI specification, JSON; empty where it has none."""
    created: int
    """ns since the epoch."""
    digest: str | None = None
    """What the name of its image stood for when it was made; None where that is not known. So is the image's id."""
    image_id: str | None = None
    sandbox: StoredSandbox | None = None
    """Of a pod's sandbox."""


class FoundContainer(msgspec.Struct, frozen=True):
    """A container as it was found."""

    full_id: str
    spec: OciSpec
    created: int
    """ns since the epoch; of the specification, where the database has not answered."""
    record: StoredContainer | None = None
    """None where the database could not be read."""
    cni: CniResult | None = None
    """None where nothing is known of its network."""
    by: str = "files"
    """What answered: files, or api where these could not be read."""

    @property
    def annotations(self) -> dict[str, str]:
        """Of the pod, where it is its sandbox; else empty."""
        sandbox = None if self.record is None else self.record.sandbox
        return {} if sandbox is None else sandbox.annotations()

    @property
    def sandbox_id(self) -> str:
        """Its pod's sandbox; its own id if it is one, empty outside pods."""
        return self.spec.annotations.get(f"{_CRI}sandbox-id", "")


def describe(found: FoundContainer, pod: FoundContainer | None = None) -> ContainerMetadata:
    """`pod` is its sandbox, whose namespaces the container joins. What neither has is None."""
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
    """The pod's name for its container; containerd's containers have no name but their id."""
    if cri.get("container-type") == _SANDBOX:
        return cri.get("sandbox-name", container_id)
    return cri.get("container-name", container_id)


def _image_id(record: StoredContainer | None) -> str | None:
    """CRI makes containers by the image's id, which is then its name, too."""
    if record is None:
        return None
    kind, _, digits = record.image.partition(":")
    return digits if kind == "sha256" else record.image_id


def _labels(found: FoundContainer, cri: Mapping[str, str]) -> dict[str, str]:
    """Without the database: what ctr and nerdctl write as annotations."""
    labels = {label: cri[key] for key, label in _LABELS.items() if key in cri}
    if found.record is None:
        return labels | {key: value for key, value in found.spec.annotations.items() if not key.startswith(_CRI)}
    annotations = {f"{_ANNOTATION}{key}": value for key, value in found.annotations.items()}
    return labels | annotations | found.record.labels


def _shares(spec: OciSpec, sandbox: OciSpec, kind: str) -> bool:
    return sandbox.shares_host(kind) if spec.joins(kind) else spec.shares_host(kind)
