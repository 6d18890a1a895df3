"""The id of an image, which is the digest of its configuration: by the labels that containerd's content has.

A blob of an image's manifest, or of an index of manifests, is labelled with what it refers to, so that it is not
collected as garbage (containerd's docs/garbage-collection.md).
"""

from collections.abc import Iterable, Mapping
from typing import Final

_CONFIG: Final = "containerd.io/gc.ref.content.config"
_MANIFESTS: Final = "containerd.io/gc.ref.content.m."


def config_of(labels: Mapping[str, str]) -> str:
    """The digest of the configuration that a manifest refers to; empty for an index."""
    return labels.get(_CONFIG, "")


def manifests_of(labels: Mapping[str, str]) -> list[str]:
    """The digests of the manifests that an index refers to, there or not; empty for a manifest."""
    return [digest for key, digest in labels.items() if key.startswith(_MANIFESTS)]


def image_id(configs: Iterable[str]) -> str | None:
    """64 digits; None where there are several: an index of which the manifests of several platforms are there."""
    found = {config for config in configs if config}
    return found.pop().removeprefix("sha256:") if len(found) == 1 else None
