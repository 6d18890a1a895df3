"""The database of containerd, `ROOT/io.containerd.metadata.v1.bolt/meta.db`: images and labels without its socket.

Buckets and keys are those of containerd's metadata/buckets.go. The CRI plugin's data about a sandbox is an extension of
the container's record: JSON in a google.protobuf.Any.
"""

import os
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.file_access import may
from mozu.core.common.protobuf import data_of, decode
from mozu.plugins.enrichers.containers.bolt import BoltBucket, read_bolt
from mozu.plugins.enrichers.containers.containerd.describe import StoredContainer, StoredSandbox
from mozu.plugins.enrichers.containers.containerd.files import DOCKER
from mozu.plugins.enrichers.containers.containerd.image_content import config_of, image_id, manifests_of

_VERSION: Final = "v1"
_SANDBOX: Final = "io.cri-containerd.sandbox.metadata"
_TIME: Final = struct.Struct(">BqiH")
"""Go's time.MarshalBinary: version, seconds since the year 1, ns, offset in minutes."""
_YEAR_1: Final = -62135596800
"""The time 0001-01-01 in seconds since the epoch."""


class StoredContainers:
    """The database below one root directory. Calls block, and raise OSError if it cannot be read."""

    def __init__(self, root: Path) -> None:
        self._path = root / "io.containerd.metadata.v1.bolt" / "meta.db"

    def is_readable(self) -> bool:
        """Return True if the database exists and may be read."""
        return may(self._path, os.R_OK)

    def find(self, container_id: str, namespace: str = "") -> list[tuple[str, StoredContainer]]:
        """Return (namespace, container) of each namespace with this id, or of one namespace; docker's does not
        count."""
        return read_bolt(self._path, partial(_find, container_id=container_id, namespace=namespace))


def _find(root: BoltBucket, *, container_id: str, namespace: str) -> list[tuple[str, StoredContainer]]:
    whole = root.bucket(_VERSION)
    if whole is None:
        return []
    names = [namespace] if namespace else [name for name in whole.buckets() if name != DOCKER]
    found = ((name, _container(whole, name, container_id)) for name in names)
    return [(name, one) for name, one in found if one is not None]


def _container(whole: BoltBucket, namespace: str, container_id: str) -> StoredContainer | None:
    found = whole.bucket(namespace, "containers", container_id)
    if found is None:
        return None
    image = (found.get("image") or b"").decode(errors="replace")
    created = _time(found.get("createdat"))
    digest, id_ = _image(whole, namespace, image, created)
    return StoredContainer(
        image=image,
        labels=dict(_texts(found.bucket("labels"))),
        spec=_any(found.get("spec")),
        created=created,
        digest=digest,
        image_id=id_,
        sandbox=_sandbox(found.bucket("extensions")),
    )


def _image(whole: BoltBucket, namespace: str, name: str, created: int) -> tuple[str | None, str | None]:
    """Return (digest, id) of the image with this name; None for both if the name has been given to another image since
    the container was made, or to none."""
    image = whole.bucket(namespace, "images", name)
    target = None if image is None else image.bucket("target")
    if image is None or target is None or _time(image.get("updatedat")) > created:
        return None, None
    digest = (target.get("digest") or b"").decode()
    labels = _content_labels(whole, namespace, digest)
    manifests = (_content_labels(whole, namespace, one) for one in manifests_of(labels))
    return digest or None, image_id([config_of(labels), *map(config_of, manifests)])


def _content_labels(whole: BoltBucket, namespace: str, digest: str) -> dict[str, str]:
    return dict(_texts(whole.bucket(namespace, "content", "blob", digest, "labels")))


def _sandbox(extensions: BoltBucket | None) -> StoredSandbox | None:
    raw = None if extensions is None else extensions.get(_SANDBOX)
    if raw is None:
        return None
    try:
        return _decode_sandbox(_any(raw)).metadata
    except msgspec.DecodeError:
        return None


def _texts(bucket: BoltBucket | None) -> Iterator[tuple[str, str]]:
    if bucket is not None:
        yield from ((key, value.decode(errors="replace")) for key, value in bucket.items())


def _any(raw: bytes | None) -> bytes:
    """Return the value of a google.protobuf.Any; empty if the bytes are none."""
    try:
        return data_of(decode(raw or b""), 2)
    except ValueError:
        return b""


def _time(raw: bytes | None) -> int:
    """Return the time in ns since the epoch; 0 if there is none."""
    if raw is None or len(raw) < _TIME.size:
        return 0
    seconds: int
    nanoseconds: int
    _, seconds, nanoseconds, _ = _TIME.unpack_from(raw)
    return (seconds + _YEAR_1) * 1_000_000_000 + nanoseconds


class _Envelope(msgspec.Struct, rename="pascal"):
    metadata: StoredSandbox | None = None


_decode_sandbox = msgspec.json.Decoder(_Envelope).decode
