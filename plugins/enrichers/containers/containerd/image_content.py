"""The id of an image, which is the digest of its configuration, from the labels of containerd's content.

A blob of an image's manifest, or of an index of manifests, is labelled with the blobs it refers to, so that they are
not collected as garbage (containerd's docs/garbage-collection.md).
"""

from collections.abc import Iterable, Mapping
from typing import Final

_CONFIG: Final = "containerd.io/gc.ref.content.config"
_MANIFESTS: Final = "containerd.io/gc.ref.content.m."


def config_of(labels: Mapping[str, str]) -> str:
    """Return the digest of the configuration that a manifest refers to; empty for an index."""
    return labels.get(_CONFIG, "")


def manifests_of(labels: Mapping[str, str]) -> list[str]:
    """Return the digests of the manifests that an index refers to, present or not; empty for a manifest."""
    return [digest for key, digest in labels.items() if key.startswith(_MANIFESTS)]


def image_id(configs: Iterable[str]) -> str | None:
    """Return the id, 64 digits; None if there are several, from an index with present manifests of several
    platforms."""
    found = {config for config in configs if config}
    return found.pop().removeprefix("sha256:") if len(found) == 1 else None
