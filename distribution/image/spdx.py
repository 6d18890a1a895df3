"""The image's bill of materials (SBOM) in SPDX 2.3."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from distribution.description import HOMEPAGE
from distribution.release import Release
from distribution.wheels import Wheel

Json = dict[str, object]
_UNKNOWN: Final = "NOASSERTION"
_FIELDS: Final = "${Package}\t${Version}\t${Architecture}\n"


def bill(
    release: Release,
    digest: str,
    debian: Sequence[Path],
    wheels: Mapping[tuple[str, str], Sequence[Wheel]],
    created: str,
) -> str:
    """Return the bill as JSON.

    `digest` is the image's; `debian` are package files; `wheels` maps (project, version) to wheels; `created` is a time
    of RFC 3339.
    """
    image = _package("image", "mozu-image", release.version, f"pkg:oci/mozu@{digest.replace(':', '%3A')}", digest)
    mozu = _package("mozu", "mozu", release.version, f"pkg:generic/mozu@{release.version}", None)
    mozu |= {"licenseDeclared": "Apache-2.0", "supplier": "Organization: mozu"}
    parts = [mozu, *map(_of_debian, debian), *_of_python(wheels)]
    document: Json = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"mozu-{release.version}",
        "documentNamespace": f"{HOMEPAGE}/spdx/{release.commit}/{digest.removeprefix('sha256:')}",
        "creationInfo": {"created": created, "creators": ["Tool: mozu-distribution"]},
        "packages": [image, *parts],
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", image),
            *(_relationship(str(image["SPDXID"]), "CONTAINS", part) for part in parts),
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _of_debian(file: Path) -> Json:
    shown = subprocess.run(["dpkg-deb", "--showformat", _FIELDS, "--show", file], check=True, capture_output=True)
    name, version, architecture = shown.stdout.decode().rstrip("\n").split("\t")
    url = f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}"
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    return {
        **_package(f"deb-{name}", name, version, url, f"sha256:{found}"),
        "supplier": "Organization: Debian",
    }


def _of_python(wheels: Mapping[tuple[str, str], Sequence[Wheel]]) -> Iterator[Json]:
    for (project, version), files in sorted(wheels.items()):
        name = re.sub(r"[-_.]+", "-", project).lower()
        for wheel in files:
            yield _package(f"pypi-{name}", name, version, f"pkg:pypi/{name}@{version}", f"sha256:{wheel.sha256}")


def _package(identifier: str, name: str, version: str, url: str, digest: str | None) -> Json:
    found: Json = {
        "SPDXID": f"SPDXRef-{re.sub(r'[^A-Za-z0-9.-]', '-', identifier)}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}],
    }
    if digest:
        found["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest.removeprefix("sha256:")}]
    return found


def _relationship(one: str, kind: str, other: Json) -> Json:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other["SPDXID"]}
