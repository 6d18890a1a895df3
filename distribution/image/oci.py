"""An image in an OCI image layout, the format of github.com/opencontainers/image-spec, as one tar file.

Every byte follows from the trees, the configuration and one time, so that two builds are equal.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

Json = dict[str, object]
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_CONFIGURATION: Final = "application/vnd.oci.image.config.v1+json"
_BLOBS: Final = "blobs/sha256"


class Layer(NamedTuple):
    """A part of the image's file system."""

    diff_id: str
    """Digest of the tar file, `sha256:…`."""
    packed: bytes
    made_by: str
    """Line of the image's history."""
    kind: str = "application/vnd.oci.image.layer.v1.tar+gzip"
    """Media type."""
    annotations: Mapping[str, str] = {}


def layer(tree: Path, epoch: int, made_by: str) -> Layer:
    """Pack a directory: sorted by path, owned by root, every file with the time `epoch` (seconds since 1970)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(tree.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(tree)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = epoch
            if entry.islnk():  # a second name of a file becomes a file, whichever of the two comes first
                entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", path.stat().st_size
            if entry.isreg():
                with path.open("rb") as file:
                    archive.addfile(entry, file)
            else:
                archive.addfile(entry)
    content = buffer.getvalue()
    return Layer(digest(content), gzip.compress(content, mtime=0), made_by)


def write(file: Path, layers: Sequence[Layer], configuration: Json, architecture: str, created: str, name: str) -> str:
    """Write the image layout to `file` and return the digest of the image's manifest, `sha256:…`.

    `configuration` is the value of `config` in the specification; `created` a time of RFC 3339. podman and containerd
    load the file as `localhost/NAME`, where `name` is such as `mozu:1.2.0`.
    """
    blobs: dict[str, bytes] = {}

    def blob(content: bytes, kind: str) -> Json:
        name = digest(content)
        blobs[name] = content
        return {"mediaType": kind, "digest": name, "size": len(content)}

    image: Json = {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": configuration,
        "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        "history": [{"created": created, "created_by": one.made_by} for one in layers],
    }
    manifest: Json = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(_json(image), _CONFIGURATION),
        "layers": [_annotated(blob(one.packed, one.kind), one.annotations) for one in layers],
    }
    names = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": f"localhost/{name}"}
    described = _annotated(blob(_json(manifest), MANIFEST), names)
    described["platform"] = {"architecture": architecture, "os": "linux"}
    index = _json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]})
    entries = {"index.json": index, "oci-layout": _json({"imageLayoutVersion": "1.0.0"})}
    entries |= {f"{_BLOBS}/{name.removeprefix('sha256:')}": content for name, content in blobs.items()}
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in sorted(entries.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return str(described["digest"])


def digest(content: bytes) -> str:
    """Return `sha256:` and the digest in hexadecimal."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _annotated(descriptor: Json, annotations: Mapping[str, str]) -> Json:
    return {**descriptor, "annotations": dict(annotations)} if annotations else descriptor


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
