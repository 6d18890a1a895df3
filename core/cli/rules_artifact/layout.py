"""A directory in place of a registry, in the OCI image layout: blobs by digest, and an index with tags."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.cli.rules_artifact.store import LARGEST_MANIFEST, MANIFEST
from mozu.core.errors import MozuError

_TAG: Final = "org.opencontainers.image.ref.name"
_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_INDEX: Final = "application/vnd.oci.image.index.v1+json"


class LayoutStore:
    """An OCI image layout; see `ArtifactStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def manifest(self, wanted: str) -> bytes | None:
        """Return the manifest with this tag or digest; None if there is none."""
        digest = wanted if wanted.startswith("sha256:") else self._tagged().get(wanted)
        if digest is None:
            return None
        file = self._file(digest)
        return self._read(file, LARGEST_MANIFEST) if file.exists() else None

    async def blob(self, digest: str, size: int) -> bytes:
        """Return a blob of exactly this size; the caller compares its digest."""
        content = self._read(self._file(digest), size)
        if len(content) != size:
            raise MozuError(f"{self._file(digest)} has {len(content)} bytes, and its manifest says {size}")
        return content

    async def tags(self) -> Sequence[str]:
        """Return all tags."""
        return sorted(self._tagged())

    async def put_blob(self, digest: str, content: bytes) -> None:
        """Store a blob."""
        self._write(self._file(digest), content)

    async def put_manifest(self, digest: str, content: bytes, tag: str) -> None:
        """Store a manifest under a tag, last: what it names is there."""
        entries = [one for one in self._entries() if _tag_of(one) != tag]
        self._write(self._file(digest), content)
        self._write(self._folder / "oci-layout", msgspec.json.encode({"imageLayoutVersion": "1.0.0"}))
        described = {"mediaType": MANIFEST, "digest": digest, "size": len(content), "annotations": {_TAG: tag}}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*entries, described]}
        self._write(self._folder / "index.json", msgspec.json.encode(index))

    def _file(self, digest: str) -> Path:
        return self._folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def _tagged(self) -> Mapping[str, str]:
        """Return tag → digest."""
        if not self._folder.is_dir():
            raise MozuError(f"{self._folder} is no directory; it must hold an OCI image layout")
        tagged = ((_tag_of(one), str(one.get("digest"))) for one in self._entries())
        return {tag: digest for tag, digest in tagged if tag and _DIGEST.fullmatch(digest)}

    def _entries(self) -> Sequence[dict[str, object]]:
        file = self._folder / "index.json"
        if not file.exists():
            return []
        try:
            return msgspec.json.decode(self._read(file, LARGEST_MANIFEST), type=_LayoutIndex).manifests
        except msgspec.DecodeError as error:
            raise MozuError(f"{file} is no index of an OCI image layout: {error}") from error

    def _read(self, file: Path, largest: int) -> bytes:
        try:
            with file.open("rb") as opened:
                return opened.read(largest + 1)
        except OSError as error:
            raise MozuError(f"{file} cannot be read: {error.strerror}") from error

    def _write(self, file: Path, content: bytes) -> None:
        """Write a file whole, readable for all, under its name only when it is complete."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as opened:
            try:
                opened.write(content)
                os.fchmod(opened.fileno(), 0o644)
                opened.close()
                os.replace(opened.name, file)
            except BaseException:
                os.unlink(opened.name)
                raise


class _LayoutIndex(msgspec.Struct):
    manifests: list[dict[str, object]]


def _tag_of(entry: dict[str, object]) -> str:
    """Return the tag of an entry; empty if it has none."""
    annotations = entry.get("annotations")
    return str(annotations.get(_TAG, "")) if isinstance(annotations, dict) else ""
