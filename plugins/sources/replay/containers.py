"""Container metadata of a `.scap` recording, from its container events.

The recorder's container plugin writes one JSON object per container, as text of an event. Anything in it may be
absent or null, and a record that cannot be decoded is counted and skipped.
"""

from collections.abc import Iterator
from socket import inet_aton
from typing import Any, Final

import msgspec

from mozu.core.model.containers.metadata import ContainerMetadata, Mount

_LIMIT: Final = 1 << 14
_SIZE_LIMIT: Final = 1 << 20
_SECOND: Final = 1_000_000_000
ID_LENGTH: Final = 12
"""Containers are known by the beginning of their id."""


class _Mount(msgspec.Struct, rename="pascal"):
    source: str = ""
    destination: str = ""
    mode: str = ""
    rw: bool = msgspec.field(default=False, name="RW")
    propagation: str = ""


class _Record(msgspec.Struct):
    """A record. Values that are absent or null become empty, and no container is privileged unless it says so."""

    id: str
    type: int = 0
    full_id: str | None = None
    name: str | None = None
    image: str | None = None
    imageid: str | None = None
    imagerepo: str | None = None
    imagetag: str | None = None
    imagedigest: str | None = None
    privileged: bool | None = None
    mounts: list[_Mount] | None = msgspec.field(default=None, name="Mounts")
    labels: dict[str, str] | None = None
    ip: str | None = None
    host_pid: bool | None = None
    host_network: bool | None = None
    host_ipc: bool | None = None
    created_time: int | None = None
    pod_sandbox_id: str | None = None
    pod_sandbox_labels: dict[str, str] | None = None
    cni_json: str | None = None


class _Document(msgspec.Struct):
    container: _Record


RUNTIMES: Final = {
    0: "docker", 1: "lxc", 2: "libvirt-lxc", 3: "mesos", 4: "rkt", 5: "custom", 6: "cri", 7: "containerd", 8: "cri-o",
    9: "bpm", 10: "static", 11: "podman",
}  # fmt: skip
"""Number in a record → what the field `container.type` says."""

_decode: Final = msgspec.json.Decoder(_Document).decode


class RecordedContainer(msgspec.Struct, frozen=True):
    """The record of a container."""

    identity: str
    """The container's key."""
    metadata: ContainerMetadata
    runtime: str


class RecordedContainers:
    """The containers that the recording has described so far."""

    def __init__(self) -> None:
        self._known: dict[str, ContainerMetadata] = {}
        self._runtimes: dict[str, str] = {}
        self.removed: set[str] = set()
        """The keys of containers of which nothing is known any more."""
        self.changes = 0
        """The number of changes."""
        self.described = False
        """True if any container was described so far, in this section or an earlier one."""
        self.broken = 0
        """Records that could not be read."""

    def clear(self) -> None:
        """Another recording follows in the same file."""
        self.changes += 1
        self._known.clear()
        self._runtimes.clear()
        self.removed.clear()

    def all(self) -> Iterator[tuple[str, ContainerMetadata, str]]:
        """(the beginning of its id, what is known, runtime) of each."""
        for key, metadata in self._known.items():
            yield key, metadata, self._runtimes[key]

    def find(self, full_id: str) -> ContainerMetadata | None:
        """Return the metadata of a container; None if it is not known."""
        return self._known.get(full_id[:ID_LENGTH])

    def runtime(self, full_id: str) -> str | None:
        """Which runtime its record names."""
        return self._runtimes.get(full_id[:ID_LENGTH])

    def address(self, full_id: str) -> bytes | None:
        """The main IPv4 address that its record gives, in network order."""
        known = self.find(full_id)
        try:
            return inet_aton(known.ip) if known is not None and known.ip else None
        except OSError:
            return None

    def change(self, name: str, args: tuple[Any, ...]) -> None:
        """An event about a container: it is known from now on, or it was removed."""
        if name not in ("container", "container_removed"):
            return
        record = _decoded(args)
        if record is None:
            self.broken += 1
        elif name == "container_removed":
            self.remove(record.id)
        else:
            self._add(record)

    def _add(self, record: _Record) -> None:
        self.put(record.id, _metadata(record), RUNTIMES.get(record.type, ""))
        sandbox, labels = record.pod_sandbox_id, record.pod_sandbox_labels
        if sandbox and labels is not None and sandbox[:ID_LENGTH] not in self._known:
            ip, cni = record.ip or "", record.cni_json or ""
            self.put(sandbox[:ID_LENGTH], ContainerMetadata(full_id=sandbox, labels=labels, ip=ip, cni_json=cni), "")

    def put(self, identity: str, metadata: ContainerMetadata, runtime: str) -> None:
        """Set the metadata of a container. It is found by `identity`, the beginning of its id."""
        self.changes += 1
        self.described = True
        if identity in self._known or len(self._known) < _LIMIT:
            self._known[identity], self._runtimes[identity] = metadata, runtime
            self.removed.discard(identity)

    def remove(self, identity: str) -> None:
        """Forget the metadata of a container. Processes in it keep its id."""
        self.changes += 1
        if self._known.pop(identity, None) is not None:
            self._runtimes.pop(identity, None)
            self.removed.add(identity)


def record_in(args: tuple[Any, ...]) -> RecordedContainer | None:
    """The record among the parameters of an event about a container; None where it cannot be read."""
    record = _decoded(args)
    if record is None:
        return None
    return RecordedContainer(record.id, _metadata(record), RUNTIMES.get(record.type, ""))


def _decoded(args: tuple[Any, ...]) -> _Record | None:
    """A record of the older kind is the text that is the only parameter, else the bytes that are the last."""
    last = args[-1] if args else None
    raw = last.encode("utf-8", "replace") if isinstance(last, str) else (last or b"").partition(b"\0")[0]
    if len(raw) > _SIZE_LIMIT:
        return None
    try:
        return _decode(raw).container
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _metadata(record: _Record) -> ContainerMetadata:
    return ContainerMetadata(
        full_id=record.full_id or "",
        name=record.name or "",
        image=record.image or "",
        image_id=record.imageid or "",
        repository=record.imagerepo or "",
        tag=record.imagetag or "",
        digest=record.imagedigest or "",
        privileged=bool(record.privileged),
        mounts=tuple(map(_mount, record.mounts or ())),
        labels=record.labels or {},
        ip=record.ip or "",
        host_pid=bool(record.host_pid),
        host_network=bool(record.host_network),
        host_ipc=bool(record.host_ipc),
        created=(record.created_time or 0) * _SECOND,
        sandbox_id=record.pod_sandbox_id or "",
        cni_json=record.cni_json or "",
    )


def _mount(mount: _Mount) -> Mount:
    return Mount(mount.source, mount.destination, mount.mode, mount.rw, mount.propagation)


BLANK: Final = _metadata(_Record(""))
"""The metadata of containers whose runtimes describe none."""
