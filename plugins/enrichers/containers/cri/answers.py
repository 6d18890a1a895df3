"""Answers of the Container Runtime Interface, as far as mozu reads them: messages → plain structs.

Facts that the protocol itself does not have are in `info`, JSON by which containerd and CRI-O describe themselves: the
sandbox's id, the OCI specification, the result of the network plugin.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from mozu.core.common.protobuf import Message, data_of, decode, integer, messages, text, texts
from mozu.core.model.containers.image import ImageNames
from mozu.core.model.containers.metadata import Mount
from mozu.plugins.enrichers.containers.oci_spec import OciSpec

_NODE: Final = 2
"""NamespaceMode NODE: the host's namespace."""
_PROPAGATIONS: Final = ("private", "rslave", "rshared")
"""Names of the mount options for MountPropagation PRIVATE, HOST_TO_CONTAINER, BIDIRECTIONAL."""
CREATED, STARTED, _, DELETED = range(4)
"""Values of ContainerEventType."""


class HostNamespaces(msgspec.Struct, frozen=True):
    """The host's namespaces that a pod shares."""

    network: bool = False
    pid: bool = False
    ipc: bool = False


class _SecurityContext(msgspec.Struct):
    privileged: bool | None = None


class _LinuxConfig(msgspec.Struct):
    security_context: _SecurityContext | None = None


class _Named(msgspec.Struct):
    image: str = ""


class _Config(msgspec.Struct):
    image: _Named | None = None
    linux: _LinuxConfig | None = None


class CriInfo(msgspec.Struct, rename="camel"):
    """The JSON `info` of a status."""

    sandbox_id: str = msgspec.field(name="sandboxID", default="")
    """Id of a container's sandbox, from containerd and CRI-O."""
    config: _Config | None = None
    """The kubelet's request, from containerd."""
    runtime_spec: OciSpec | None = None
    privileged: bool | None = None
    """True if the container is privileged, from CRI-O."""
    image: str = ""
    """Image of a sandbox's pause container."""
    cni_result: msgspec.Raw = msgspec.Raw(b"")
    """Network result of a sandbox, from containerd."""

    def is_privileged(self) -> bool | None:
        """Return the requested value, otherwise the equivalent from the specification; None if unknown."""
        linux = None if self.config is None else self.config.linux
        context = None if linux is None else linux.security_context
        if context is not None and context.privileged is not None:
            return context.privileged
        if self.privileged is not None:
            return self.privileged
        return None if self.runtime_spec is None else self.runtime_spec.privileged

    def annotations(self) -> Mapping[str, str]:
        """Return the annotations of the OCI specification, in which runtimes keep notes of their own."""
        return {} if self.runtime_spec is None else self.runtime_spec.annotations


class CriContainer(msgspec.Struct, frozen=True, kw_only=True):
    """The message `ContainerStatus`."""

    full_id: str
    name: str
    image: str
    """The image's name as the runtime shows it; often the first of several."""
    image_ref: str
    """A digest or an id, usable for looking up the image."""
    image_id: str
    created: int
    """Creation time, ns since the epoch; likewise `started`, 0 before the start."""
    started: int
    labels: dict[str, str]
    annotations: dict[str, str]
    mounts: tuple[Mount, ...]
    sandbox_id: str
    info: CriInfo


class CriSandbox(msgspec.Struct, frozen=True, kw_only=True):
    """The message `PodSandboxStatus`."""

    full_id: str
    name: str
    """The pod's name; uid and namespace are also the pod's."""
    uid: str
    namespace: str
    created: int
    ip: str
    host: HostNamespaces
    labels: dict[str, str]
    annotations: dict[str, str]
    info: CriInfo


class CriImage(msgspec.Struct, frozen=True):
    """The message `Image`."""

    id: str
    names: ImageNames


class CriEvent(msgspec.Struct, frozen=True):
    """The message `ContainerEventResponse`."""

    full_id: str
    kind: int
    """The kind: CREATED, STARTED or DELETED."""


def read_container(answer: Message) -> CriContainer:
    """Return the container of a `ContainerStatusResponse`. Raises ValueError."""
    status, info = decode(data_of(answer, 1)), _info(answer)
    image = decode(data_of(status, 8))
    return CriContainer(
        full_id=text(status, 1),
        name=text(decode(data_of(status, 2)), 1),
        image=text(image, 18) or text(image, 1),
        image_ref=text(status, 9),
        image_id=text(status, 17),
        created=integer(status, 4),
        started=integer(status, 5),
        labels=texts(status, 12),
        annotations=texts(status, 13),
        mounts=tuple(sorted(map(_mount, messages(status, 14)), key=lambda mount: mount.dest)),
        sandbox_id=info.sandbox_id,
        info=info,
    )


def read_sandbox(answer: Message) -> CriSandbox:
    """Return the sandbox of a `PodSandboxStatusResponse`. Raises ValueError."""
    status = decode(data_of(answer, 1))
    metadata = decode(data_of(status, 2))
    options = decode(data_of(decode(data_of(decode(data_of(status, 6)), 1)), 2))
    return CriSandbox(
        full_id=text(status, 1),
        name=text(metadata, 1),
        uid=text(metadata, 2),
        namespace=text(metadata, 3),
        created=integer(status, 4),
        ip=text(decode(data_of(status, 5)), 1),
        host=HostNamespaces(*(integer(options, number) == _NODE for number in (1, 2, 3))),
        labels=texts(status, 7),
        annotations=texts(status, 8),
        info=_info(answer),
    )


def read_image(answer: Message) -> CriImage | None:
    """Return the image of an `ImageStatusResponse`; None if there is none in it. Raises ValueError."""
    if 1 not in answer:
        return None
    image = decode(data_of(answer, 1))
    tags, digests = (
        tuple(one.decode(errors="replace") for one in image.get(number, ()) if isinstance(one, bytes))
        for number in (2, 3)
    )
    return CriImage(text(image, 1), ImageNames(tags, digests))


def read_event(answer: Message) -> CriEvent:
    """Return the event of a `ContainerEventResponse`. Raises ValueError."""
    return CriEvent(text(answer, 1), integer(answer, 2))


def _mount(mount: Message) -> Mount:
    propagation = integer(mount, 5)
    return Mount(
        source=text(mount, 2),
        dest=text(mount, 1),
        mode="",
        writable=not integer(mount, 3),
        propagation=_PROPAGATIONS[propagation] if propagation < len(_PROPAGATIONS) else "",
    )


def _info(answer: Message) -> CriInfo:
    """Return the `info` of an answer; empty if a runtime sends none, or something else."""
    try:
        return _decode_info(texts(answer, 2).get("info", "{}"))
    except msgspec.DecodeError:
        return CriInfo()


_decode_info = msgspec.json.Decoder(CriInfo).decode
