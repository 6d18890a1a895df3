"""Containers of a recording: what its container records say.

The recorder's container plugin writes one JSON object per container, as text of an event. Anything in it may be
absent or null, and a record that is broken is as good as none.
"""

from typing import Any, Final

import msgspec

from mozu.plugins.enrichers.containers.facts import ContainerFacts, Mount

_LIMIT: Final = 1 << 14
_SIZE_LIMIT: Final = 1 << 20
_SECOND: Final = 1_000_000_000
_ID_LENGTH: Final = 12
"""Containers are known by the beginning of their id."""


class _Mount(msgspec.Struct, rename="pascal"):
    source: str = ""
    destination: str = ""
    mode: str = ""
    rw: bool = msgspec.field(default=False, name="RW")
    propagation: str = ""


class _Record(msgspec.Struct):
    id: str
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


_decode: Final = msgspec.json.Decoder(_Document).decode


class Containers:
    """The containers that the recording has told of so far."""

    def __init__(self) -> None:
        self._known: dict[str, ContainerFacts] = {}
        self.broken = 0
        """Records that could not be read."""

    def clear(self) -> None:
        """Another recording follows in the same file."""
        self._known.clear()

    def find(self, full_id: str) -> ContainerFacts | None:
        """What is known of a container."""
        return self._known.get(full_id[:_ID_LENGTH])

    def add(self, text: str | None) -> None:
        """A record of the older kind: its text is the event's only parameter."""
        self._read(b"" if text is None else text.encode("utf-8", "replace"))

    def tell(self, name: str, data: bytes | None) -> None:
        """An asynchronous event: a container came or went."""
        if name == "container":
            self._read((data or b"").partition(b"\0")[0])

    def _read(self, raw: bytes) -> None:
        if len(raw) > _SIZE_LIMIT:
            self.broken += 1
            return
        try:
            record = _decode(raw).container
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.broken += 1
            return
        self._put(record.id, _facts(record))
        sandbox, labels = record.pod_sandbox_id, record.pod_sandbox_labels
        if sandbox and labels is not None and sandbox[:_ID_LENGTH] not in self._known:
            self._put(sandbox, ContainerFacts(full_id=sandbox, labels=labels, ip=record.ip, cni_json=record.cni_json))

    def _put(self, identity: str, facts: ContainerFacts) -> None:
        key = identity[:_ID_LENGTH]
        if key in self._known or len(self._known) < _LIMIT:
            self._known[key] = facts


def _facts(record: _Record) -> ContainerFacts:
    mounts = record.mounts
    plain: dict[str, Any] = {
        "image_id": record.imageid,
        "repository": record.imagerepo,
        "tag": record.imagetag,
        "digest": record.imagedigest,
        "sandbox_id": record.pod_sandbox_id or "",
        "created": (record.created_time or 0) * _SECOND,
    }
    return ContainerFacts(
        full_id=record.full_id or record.id,
        name=record.name,
        image=record.image,
        privileged=record.privileged,
        mounts=None if mounts is None else tuple(map(_mount, mounts)),
        labels=record.labels,
        ip=record.ip,
        host_pid=record.host_pid,
        host_network=record.host_network,
        host_ipc=record.host_ipc,
        cni_json=record.cni_json,
        **plain,
    )


def _mount(mount: _Mount) -> Mount:
    return Mount(mount.source, mount.destination, mount.mode, mount.rw, mount.propagation)
