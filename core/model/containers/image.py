"""Image references: `registry:5000/team/app:1.2@sha256:…` taken apart.

    reference  = [ domain "/" ] path [ ":" tag ] [ "@" digest ]
    domain     = the first component, if it has a dot, a colon or a capital letter, or is `localhost`

The repository is written as the runtime has it, which is what Falco's rules compare with: `busybox` in docker, whose
names omit docker.io and `library/`, `docker.io/library/busybox` in containerd, CRI and podman.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from mozu.core.caches import cached

_DEFAULT_DOMAINS: Final = frozenset({"docker.io", "index.docker.io"})
_DEFAULT_TAG: Final = "latest"
_HEX: Final = frozenset("0123456789abcdef")


class Image(msgspec.Struct, frozen=True):
    """The parts of a reference; empty if the reference has no such part."""

    repository: str = ""
    tag: str = ""
    digest: str = ""


class ImageNames(msgspec.Struct, frozen=True):
    """The engine's names of an image: `name:tag` and `name@digest` texts."""

    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


@cached(1024)
def parse(reference: str) -> Image:
    """Return the parts of a reference; nothing is filled in. An image id (`sha256:…`) has none but the digest of its
    `@`."""
    name, _, digest = reference.partition("@")
    if name.startswith("sha256:"):
        return Image(digest=digest)
    cut = name.rfind(":")
    tag = ""
    if cut > name.rfind("/"):
        name, tag = name[:cut], name[cut + 1 :]
    return Image(name, tag, digest)


def identify(reference: str, image_id: str, names: ImageNames) -> Image:
    """Return repository, tag and digest of a container's image.

    The reference that the container was started by decides. Missing parts are taken from the engine's names of the
    image: its repository if the container was started by an id, its tag if it was started by a digest, and the digest
    that the same repository gave it.
    """
    tags = [parse(text) for text in names.tags]
    digests = [parse(text) for text in names.digests]
    image = parse(reference)
    if _is_id(reference, image_id) and not any(_is_same(image, known) for known in tags):
        image = _first(tags) or Image(repository=(_first(digests) or Image()).repository)
    elif image.repository and not image.tag:
        same = _first(known for known in tags if _is_same(image, known))
        tag = (same or Image()).tag if image.digest else _DEFAULT_TAG
        image = Image(image.repository, tag, image.digest)
    if not image.digest:
        matching = _first(known for known in digests if _is_same(image, known))
        only = digests[0] if len(digests) == 1 else Image()
        image = Image(image.repository, image.tag, (matching or only).digest)
    return image


def _is_same(one: Image, other: Image) -> bool:
    """Return True if both are of one repository, however it is written."""
    return _familiar(one.repository) == _familiar(other.repository)


def _familiar(name: str) -> str:
    """Return the repository's name as docker shows it."""
    domain, slash, path = name.partition("/")
    if not slash:
        return name
    if domain in _DEFAULT_DOMAINS:
        return path.removeprefix("library/")
    if "." in domain or ":" in domain or domain == "localhost" or domain != domain.lower():
        return name
    return name.removeprefix("library/")


def _is_id(reference: str, image_id: str) -> bool:
    digits = reference.removeprefix("sha256:")
    return bool(digits) and _HEX.issuperset(digits) and image_id.startswith(digits)


def _first(images: Iterable[Image]) -> Image | None:
    return next(iter(images), None)
