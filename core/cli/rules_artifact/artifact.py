"""An artifact with rules, as falcoctl pushes and installs it: a manifest, a configuration, and one layer."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from mozu.core.cli.rules_artifact import cosign
from mozu.core.cli.rules_artifact.archive import packed, unpacked
from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import LARGEST_BLOB, MANIFEST, ArtifactStore
from mozu.core.errors import MozuError

_LAYER: Final = "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz"
_CONFIG: Final = "application/vnd.cncf.falco.rulesfile.config.v1+json"
_IMAGE_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_TITLE: Final = "org.opencontainers.image.title"
_MOST_SIGNATURES: Final = 50

Sign = Callable[[str], tuple[bytes, bytes]]
"""Digest of a manifest → payload and signature."""


class ArtifactDescriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A blob as manifests name it."""

    media_type: str
    digest: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    size: int
    annotations: Mapping[str, str] = {}


class ArtifactManifest(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest of the OCI image specification, as far as artifacts use it."""

    config: ArtifactDescriptor
    layers: list[ArtifactDescriptor]
    schema_version: int = 2
    media_type: str = MANIFEST


class ArtifactConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """falcoctl's configuration of an artifact."""

    name: str = ""
    version: str = ""


class SignedManifest(msgspec.Struct, frozen=True):
    """A manifest whose digest and signature have been checked."""

    content: bytes
    digest: str
    signed_by: str
    """File of the key; empty if no signature was asked for."""


class RulesArtifact(msgspec.Struct, frozen=True):
    """The content of an artifact."""

    config: ArtifactConfig
    files: Mapping[str, bytes]
    """Relative path → content."""


def digest_of(content: bytes) -> str:
    """Return `sha256:` and the digest in hexadecimal."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def resolve(store: ArtifactStore, reference: ArtifactReference, keys: Sequence[Path]) -> SignedManifest:
    """Return the manifest of a reference, of the pinned digest and signed by one of the keys; without keys no signature
    is asked for. Raises MozuError."""
    content = await store.manifest(reference.wanted)
    if content is None:
        raise MozuError(f"{reference}: there is no such artifact in {reference.name}")
    digest = digest_of(content)
    if reference.digest and digest != reference.digest:
        raise MozuError(f"{reference}: the manifest that came has the digest {digest}")
    return SignedManifest(content, digest, await _signed_by(store, reference, digest, keys) if keys else "")


async def content_of(store: ArtifactStore, reference: ArtifactReference, found: SignedManifest) -> RulesArtifact:
    """Return what a manifest names. Raises MozuError if it is not falcoctl's layout, or a digest differs."""
    manifest = _manifest(found.content, reference)
    layer = manifest.layers[0] if len(manifest.layers) == 1 else None
    if layer is None or layer.media_type != _LAYER:
        kinds = ", ".join(one.media_type for one in manifest.layers) or "no layer"
        raise MozuError(f"{reference} is no artifact with rules: it has {kinds}, expected one layer {_LAYER}")
    raw = await _blob(store, reference, manifest.config)
    try:
        config = msgspec.json.decode(raw, type=ArtifactConfig)
    except msgspec.DecodeError as error:
        raise MozuError(f"{reference}: its configuration cannot be read: {error}") from error
    content = await _blob(store, reference, layer)
    try:
        return RulesArtifact(config, unpacked(content))
    except MozuError as error:
        raise MozuError(f"{reference}: {error}") from error


async def put(store: ArtifactStore, tags: Sequence[str], artifact: RulesArtifact, sign: Sign | None) -> str:
    """Store an artifact, then its signature, then the tags, so that no tag names what is not signed yet. Return the
    digest of its manifest."""
    layer, config = packed(artifact.files), msgspec.json.encode(artifact.config)
    title = {_TITLE: f"{artifact.config.name}.tar.gz"}
    manifest = await _put_blobs(store, (_CONFIG, config), (_LAYER, layer, title))
    digest = digest_of(manifest)
    if sign is not None:
        payload, signature = sign(digest)
        annotation = {cosign.ANNOTATION: base64.b64encode(signature).decode()}
        about = {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(payload)]},
        }
        config = msgspec.json.encode(about)
        signed = await _put_blobs(store, (_IMAGE_CONFIG, config), (cosign.PAYLOAD, payload, annotation))
        await store.put_manifest(digest_of(signed), signed, cosign.signature_tag(digest))
    for tag in tags:
        await store.put_manifest(digest, manifest, tag)
    return digest


async def _put_blobs(
    store: ArtifactStore, config: tuple[str, bytes], layer: tuple[str, bytes, Mapping[str, str]]
) -> bytes:
    """Store a configuration and a layer, and return the manifest that names them."""
    described = []
    for kind, content, annotations in ((*config, {}), layer):
        described.append(ArtifactDescriptor(kind, digest_of(content), len(content), annotations))
        await store.put_blob(described[-1].digest, content)
    return msgspec.json.encode(ArtifactManifest(described[0], described[1:]))


async def _signed_by(store: ArtifactStore, reference: ArtifactReference, digest: str, keys: Sequence[Path]) -> str:
    cosign.check_keys(keys)
    content = await store.manifest(cosign.signature_tag(digest))
    if content is None:
        raise MozuError(f"{reference} ({digest}) is not signed: {reference.name} has no {cosign.signature_tag(digest)}")
    for layer in _manifest(content, reference).layers[:_MOST_SIGNATURES]:
        signature = layer.annotations.get(cosign.ANNOTATION, "")
        if layer.media_type != cosign.PAYLOAD or not signature:
            continue
        payload = await _blob(store, reference, layer)
        try:
            key = cosign.signer(payload, base64.b64decode(signature, validate=True), keys)
        except binascii.Error:
            continue
        if key is not None and cosign.names(payload, digest):
            return str(key)
    shown = ", ".join(map(str, keys))
    raise MozuError(f"{reference} ({digest}) has a wrong signature: none of its signatures is by {shown}")


def _manifest(content: bytes, reference: ArtifactReference) -> ArtifactManifest:
    try:
        return msgspec.json.decode(content, type=ArtifactManifest)
    except msgspec.DecodeError as error:
        raise MozuError(f"{reference}: its manifest cannot be read: {error}") from error


async def _blob(store: ArtifactStore, reference: ArtifactReference, wanted: ArtifactDescriptor) -> bytes:
    """Return a blob that has its digest."""
    if not 0 <= wanted.size <= LARGEST_BLOB:
        raise MozuError(f"{reference}: a blob has {wanted.size:,} bytes, and at most {LARGEST_BLOB:,} are taken")
    content = await store.blob(wanted.digest, wanted.size)
    if digest_of(content) != wanted.digest:
        raise MozuError(f"{reference}: the blob that came for {wanted.digest} has the digest {digest_of(content)}")
    return content
