"""The bill of materials (SBOM) of the package, in CycloneDX 1.5."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

from distribution.release import Release
from distribution.wheels import Wheel

_NAMESPACE: Final = uuid.UUID("6f1b3a52-6a0c-5f0e-9d53-2c1d5b0c7a10")
Json = dict[str, object]


def bill(release: Release, releases: Mapping[tuple[str, str], Sequence[Wheel]], site: Path) -> str:
    """Return the bill of materials as JSON. `releases` maps (project, version) to the wheels that were unpacked into
    `site`."""
    mozu: Json = {"type": "application", "bom-ref": "mozu", "name": "mozu", "version": release.version}
    mozu["licenses"] = [{"license": {"id": "Apache-2.0"}}]
    components = [_component(project, version, site, of) for (project, version), of in sorted(releases.items())]
    document: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, release.commit)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(release.epoch, UTC).isoformat().replace("+00:00", "Z"),
            "component": mozu,
        },
        "components": components,
        "dependencies": [{"ref": "mozu", "dependsOn": [one["bom-ref"] for one in components]}],
    }
    return json.dumps(document, indent=1) + "\n"


def _component(project: str, version: str, site: Path, wheels: Sequence[Wheel]) -> Json:
    text = (site / f"{project}-{version}.dist-info" / "METADATA").read_text()
    metadata = HeaderParser().parsestr(text)
    name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
    reference = f"pkg:pypi/{name}@{version}"
    found: Json = {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}
    licence = metadata["License-Expression"] or metadata["License"]
    if metadata["License-Expression"]:
        found["licenses"] = [{"expression": licence}]
    elif licence and "\n" not in licence:
        found["licenses"] = [{"license": {"name": licence}}]
    found["externalReferences"] = [
        {
            "type": "distribution",
            "url": f"https://pypi.org/project/{name}/{version}/",
            "comment": wheel.file,
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
        }
        for wheel in wheels
    ]
    return found
