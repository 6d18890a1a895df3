"""The contract of places of artifacts, and how registries are reached."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
"""Media type of manifests."""
LARGEST_MANIFEST: Final = 4 << 20
"""Maximum bytes of a manifest, as registries have it."""
LARGEST_BLOB: Final = 32 << 20
"""Maximum bytes of a layer: far more than any set of rules, and small enough for memory."""


class RegistryAccess(msgspec.Struct, frozen=True):
    """Settings of connections to registries."""

    credentials: Path | None = None
    """A file in the format of docker's config.json, instead of the user's own."""
    ca: Path | None = None
    """Certificates of the authorities that the registry's must be signed by; None: the system's."""
    plain_http: bool = False
    """True if the registry speaks no TLS."""


class ArtifactStore(Protocol):
    """The content of a repository. Every method raises MozuError with what was asked for and why it failed."""

    async def manifest(self, wanted: str) -> bytes | None:
        """Return the manifest with this tag or digest; None if there is none."""
        ...

    async def blob(self, digest: str, size: int) -> bytes:
        """Return a blob of exactly this size; the caller compares its digest."""
        ...

    async def tags(self) -> Sequence[str]:
        """Return all tags."""
        ...

    async def put_blob(self, digest: str, content: bytes) -> None:
        """Store a blob."""
        ...

    async def put_manifest(self, digest: str, content: bytes, tag: str) -> None:
        """Store a manifest under a tag, last: what it names is there."""
        ...
