"""The address of an artifact: `oci://HOST/REPOSITORY[:TAG][@DIGEST]` or `dir:///PATH[:TAG][@DIGEST]`."""

import re
from typing import Final

import msgspec

_DEFAULT_TAG: Final = "latest"
_HOST: Final = r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_END: Final = r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
_REGISTRY: Final = re.compile(rf"oci://(?P<place>{_HOST})/(?P<repository>{_PART}(?:/{_PART})*){_END}")
_DIRECTORY: Final = re.compile(rf"dir://(?P<place>/[^@]*?){_END}")


class ArtifactReference(msgspec.Struct, frozen=True):
    """The address of an artifact in a registry, or in a directory."""

    place: str
    """Host of the registry, with its port if there is one; or the absolute path of the directory."""
    repository: str
    """Name of the repository; empty for a directory."""
    tag: str
    digest: str
    """The digest that the artifact must have, `sha256:…`; empty for any."""

    @property
    def name(self) -> str:
        """The address without tag and digest."""
        return f"oci://{self.place}/{self.repository}" if self.repository else f"dir://{self.place}"

    @property
    def wanted(self) -> str:
        """The digest, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' if self.digest else ''}{self.digest}"


def parsed(text: str) -> ArtifactReference:
    """Return the reference. Without tag and digest it means `latest`. Raises ValueError."""
    found = _REGISTRY.fullmatch(text) or _DIRECTORY.fullmatch(text)
    if found is None:
        forms = "oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST] or dir:///PATH[:TAG][@sha256:DIGEST]"
        raise ValueError(f"{text!r} is no address of an artifact; write it as {forms}")
    parts = found.groupdict()
    tag = parts["tag"] or ("" if parts["digest"] else _DEFAULT_TAG)
    return ArtifactReference(parts["place"], parts.get("repository") or "", tag, parts["digest"] or "")
