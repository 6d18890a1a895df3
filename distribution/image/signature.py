"""The image's signature, in the format that cosign verifies (specs/SIGNATURE_SPEC.md of github.com/sigstore/cosign).

The signature is an image of its own, which a registry keeps beside the signed one under the tag `sha256-DIGEST.sig`.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from distribution.image import oci

_PAYLOAD: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
_ANNOTATION: Final = "dev.cosignproject.cosign/signature"


def sign(file: Path, digest: str, key: Path, reference: str) -> str:
    """Write the signature of an image to `file` as an OCI layout, and return its tag.

    `digest` is that of the image's manifest (`sha256:…`); `key` is a private key on the curve P-256 in PEM;
    `reference` is the image's name, which is part of what is signed. Ends the program with one line if openssl does
    not take the key.
    """
    signed = {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    payload = json.dumps(signed, separators=(",", ":")).encode()
    with tempfile.NamedTemporaryFile() as content:
        content.write(payload)
        content.flush()
        command = ["openssl", "dgst", "-sha256", "-sign", str(key), content.name]
        done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        sys.exit(f"openssl cannot sign with {key}: {done.stderr.decode().strip().splitlines()[-1]}")
    layer = oci.Layer(
        oci.digest(payload), payload, "cosign's format", _PAYLOAD, {_ANNOTATION: base64.b64encode(done.stdout).decode()}
    )
    tag = f"{digest.replace(':', '-')}.sig"
    oci.write(file, [layer], {}, "", "1970-01-01T00:00:00Z", f"mozu:{tag}")
    return tag
