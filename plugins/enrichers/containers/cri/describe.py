"""The description of a container and of its pod's sandbox from CRI answers."""

from ipaddress import IPv4Address, ip_address
from typing import Final

from mozu.core.model.containers.image import ImageNames, identify
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.cri.answers import CriContainer, CriImage, CriSandbox
from mozu.plugins.enrichers.containers.kubelet_probes import probes_of

_ANNOTATION: Final = "annotation."
"""Prefix of an annotation's name among labels (`container.label[annotation.NAME]`)."""
_ASKED_FOR: Final = ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName")
"""Annotations of an OCI specification: the image by the name that the container was made with."""
_CNI_RESULT: Final = "io.kubernetes.cri-o.CNIResult"


def describe_container(found: CriContainer, image: CriImage | None, sandbox: CriSandbox | None) -> ContainerMetadata:
    """Return the metadata of a pod's container; facts of the pod are None if its sandbox is not known."""
    notes = found.info.annotations()
    reference = next((notes[key] for key in _ASKED_FOR if notes.get(key)), found.image)
    image_id = _digits(found.image_id or ("" if image is None else image.id))
    names = identify(reference, image_id, ImageNames() if image is None else image.names)
    host = None if sandbox is None else sandbox.host
    probes = probes_of({} if sandbox is None else sandbox.annotations, found.name)
    spec = found.info.runtime_spec
    return ContainerMetadata(
        full_id=found.full_id,
        name=found.name,
        image=reference or None,
        image_id=image_id or None,
        repository=names.repository or None,
        tag=names.tag or None,
        digest=names.digest,
        privileged=found.info.is_privileged(),
        mounts=found.mounts if spec is None else spec.mounts,
        labels=_labels(found.labels, found.annotations)
        | ({} if sandbox is None else _pod_labels(sandbox))
        | {"io.kubernetes.container.name": found.name},
        ip=None if sandbox is None else _v4(sandbox.ip),
        host_pid=None if host is None else host.pid or (spec is not None and spec.shares_host("pid")),
        host_network=None if host is None else host.network,
        host_ipc=None if host is None else host.ipc,
        created=found.created,
        started=found.started,
        sandbox_id=found.sandbox_id,
        cni_json=None if sandbox is None else _cni_json(sandbox),
        healthcheck=(),
        liveness_probe=probes.liveness,
        readiness_probe=probes.readiness,
        cgroups=None if spec is None else spec.cgroups,
    )


def describe_sandbox(found: CriSandbox) -> ContainerMetadata:
    """Return the metadata of the sandbox: the pod's, and its pause container's."""
    names = identify(found.info.image, "", ImageNames())
    spec = found.info.runtime_spec
    return ContainerMetadata(
        full_id=found.full_id,
        name=found.name,
        image=found.info.image or None,
        repository=names.repository or None,
        tag=names.tag or None,
        privileged=found.info.is_privileged(),
        mounts=None if spec is None else spec.mounts,
        labels=_labels(found.labels, found.annotations) | _pod_labels(found),
        ip=_v4(found.ip),
        host_pid=found.host.pid,
        host_network=found.host.network,
        host_ipc=found.host.ipc,
        created=found.created,
        started=found.created,
        sandbox_id=found.full_id,
        cni_json=_cni_json(found),
    )


def _labels(labels: dict[str, str], annotations: dict[str, str]) -> dict[str, str]:
    return {f"{_ANNOTATION}{key}": value for key, value in annotations.items()} | labels


def _pod_labels(sandbox: CriSandbox) -> dict[str, str]:
    """Return the pod's labels by the kubelet's names. The kubelet makes these labels itself; other makers of pods do
    not."""
    return {
        "io.kubernetes.pod.name": sandbox.name,
        "io.kubernetes.pod.namespace": sandbox.namespace,
        "io.kubernetes.pod.uid": sandbox.uid,
    }


def _cni_json(sandbox: CriSandbox) -> str:
    """Return the network plugin's result; empty if the pod has the host's network."""
    result = bytes(sandbox.info.cni_result).decode(errors="replace")
    return result if result not in ("", "null") else sandbox.info.annotations().get(_CNI_RESULT, "")


def _v4(address: str) -> str:
    try:
        return address if isinstance(ip_address(address), IPv4Address) else ""
    except ValueError:
        return ""


def _digits(image_id: str) -> str:
    return image_id.removeprefix("sha256:")
