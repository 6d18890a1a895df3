"""The image's signature, in the format that cosign verifies (specs/SIGNATURE_SPEC.md of github.com/sigstore/cosign).

The signature is an image of its own, which a registry keeps beside the signed one under the tag `sha256-DIGEST.sig`.
"""

import base64
import sys
from pathlib import Path

from distribution.image import oci
from mozu.core.cli.rules_artifact import cosign
from mozu.core.errors import MozuError


def sign(file: Path, digest: str, key: Path, reference: str) -> str:
    """Write the signature of an image to `file` as an OCI layout, and return its tag.

    `digest` is that of the image's manifest (`sha256:…`); `key` is a private key on the curve P-256 in PEM;
    `reference` is the image's name, which is part of what is signed. Ends the program with one line if openssl does
    not take the key.
    """
    payload = cosign.payload(digest, reference)
    try:
        signature = cosign.signed(payload, key)
    except MozuError as error:
        sys.exit(str(error))
    annotations = {cosign.ANNOTATION: base64.b64encode(signature).decode()}
    layer = oci.Layer(oci.digest(payload), payload, "cosign's format", cosign.PAYLOAD, annotations)
    tag = cosign.signature_tag(digest)
    oci.write(file, [layer], {}, "", "1970-01-01T00:00:00Z", f"mozu:{tag}")
    return tag
