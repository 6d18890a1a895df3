"""The documents of podman, as far as mozu reads them: those of its library containers/storage, which CRI-O shares.

`STORAGE/DRIVER-containers/containers.json` lists containers, `STORAGE/DRIVER-images/images.json` images, and
`STORAGE/DRIVER-containers/ID/userdata/config.json` is the OCI specification of a container.
"""

from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from mozu.core.model.containers.image import ImageNames, identify
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.enrichers.containers.oci_spec import OciSpec
from mozu.plugins.enrichers.containers.podman.records import PodmanRecord

_CRI_O: Final = "cri-o"
_CRI_O_LABELS: Final = "io.kubernetes.cri-o.Labels"
_PRIVILEGED: Final = "io.podman.annotations.privileged"


class _Note(msgspec.Struct, rename="kebab"):
    """The field `metadata` as written by podman and CRI-O, which is JSON within JSON (CRI-O's internal/storage)."""

    image_name: str = ""
    image_id: str = ""
    name: str = ""
    pod_id: str = ""
    """Id of the sandbox; this and the following members are CRI-O's."""
    pod_name: str = ""
    metadata_name: str = ""
    """The pod's name for its container."""
    uid: str = ""
    """Uid of the pod; the namespace is also the pod's."""
    namespace: str = ""

    def labels(self) -> dict[str, str]:
        """Return the labels of a container of CRI-O, by the kubelet's names. Its pod's name is
        k8s_NAME_NAMESPACE_UID_ATTEMPT."""
        parts = self.pod_name.split("_")
        return {
            "io.kubernetes.pod.name": parts[1] if len(parts) == 5 else self.pod_name,
            "io.kubernetes.pod.namespace": self.namespace,
            "io.kubernetes.pod.uid": self.uid,
            "io.kubernetes.container.name": self.metadata_name,
        }


class ListedContainer(msgspec.Struct):
    """An element of `containers.json`."""

    id: str
    names: list[str] | None = None
    image: str = ""
    metadata: str = ""
    created: datetime | None = None

    def note(self) -> _Note:
        """Return the container's metadata; empty if they are not podman's."""
        try:
            return _note(self.metadata.encode())
        except msgspec.DecodeError:
            return _Note()


class ListedImage(msgspec.Struct, rename="kebab"):
    """An element of `images.json`."""

    id: str
    digest: str = ""
    names: list[str] | None = None

    def known_as(self) -> ImageNames:
        """Return the image's names, with the digests of its manifest."""
        tags = tuple(name for name in self.names or () if "@" not in name)
        digests = tuple(name for name in self.names or () if "@" in name)
        return ImageNames(tags, digests)


class Found(msgspec.Struct, frozen=True):
    """The facts about a container in the files of one storage."""

    listed: ListedContainer
    image: ListedImage | None
    spec: OciSpec | None
    """The specification; None before the container's first start."""
    record: PodmanRecord | None = None
    """The database's record; None if it cannot be read."""
    owner: int = 0
    """Uid of the user that can have written the storage."""


def metadata(found: Found) -> ContainerMetadata:
    """Return the metadata of a container. Labels, address, pod and health check are the database's."""
    listed, spec, record = found.listed, found.spec, found.record
    note = listed.note()
    reference = note.image_name
    names = ImageNames() if found.image is None else found.image.known_as()
    image = identify(reference, listed.image, names)
    digest = image.digest or ("" if found.image is None else found.image.digest)
    return ContainerMetadata(
        full_id=listed.id,
        runtime=_CRI_O if note.pod_id else "",
        name=(note.pod_id and note.metadata_name) or next(iter(listed.names or ()), None) or note.name or None,
        image=reference or None,
        image_id=listed.image or None,
        repository=image.repository or None,
        tag=image.tag or None,
        digest=digest or None,
        privileged=None if spec is None else _privileged(spec),
        mounts=None if spec is None else spec.mounts,
        labels=_labels(note, spec, record),
        ip=None if record is None else record.ip,
        host_pid=None if spec is None else spec.shares_host("pid"),
        host_network=None if spec is None else spec.shares_host("network"),
        host_ipc=None if spec is None else spec.shares_host("ipc"),
        created=0 if listed.created is None else int(listed.created.timestamp() * 1_000_000_000),
        started=0 if record is None else record.started,
        sandbox_id=note.pod_id if record is None else record.infra_id,
        healthcheck=None if record is None else record.healthcheck,
        cgroups=None if spec is None else spec.cgroups,
        owner=found.owner,
    )


def _labels(note: _Note, spec: OciSpec | None, record: PodmanRecord | None) -> dict[str, str] | None:
    """Return the labels; None if unknown. CRI-O keeps those of a container in its specification, as JSON."""
    if record is not None:
        return record.labels | _pod_labels(record)
    if not note.pod_id:
        return None
    with suppress(msgspec.DecodeError):
        return note.labels() | _texts(b"{}" if spec is None else spec.annotations.get(_CRI_O_LABELS, "{}"))
    return note.labels()


def _pod_labels(record: PodmanRecord) -> dict[str, str]:
    """Return the pod's labels by the kubelet's names, which fields of pods read."""
    if not record.pod_id:
        return {}
    return {"io.kubernetes.pod.name": record.pod_name, "io.kubernetes.pod.uid": record.pod_id}


def _privileged(spec: OciSpec) -> bool:
    """Return podman's own note; other writers of such storage leave none, and the specification decides."""
    annotated = spec.annotations.get(_PRIVILEGED)
    return spec.privileged if annotated is None else annotated == "TRUE"


_texts = msgspec.json.Decoder(dict[str, str]).decode
_note = msgspec.json.Decoder(_Note).decode
