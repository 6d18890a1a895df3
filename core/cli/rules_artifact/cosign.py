"""Signatures in cosign's format (specs/SIGNATURE_SPEC.md of github.com/sigstore/cosign), verified without a network.

A signature covers a payload that names the digest of the signed manifest. A registry keeps it as an artifact of its own
beside the signed one, under the tag `sha256-DIGEST.sig`. The program openssl signs and verifies: hosts and builds have
it, and a library for one operation would be the largest of mozu's dependencies.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.errors import MozuError

PAYLOAD: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
"""Media type of the layer that is the payload."""
ANNOTATION: Final = "dev.cosignproject.cosign/signature"
"""Annotation of that layer with the signature in base64."""
_TYPE: Final = "cosign container image signature"


def signature_tag(digest: str) -> str:
    """Return the tag of the signatures of a manifest."""
    return f"{digest.replace(':', '-')}.sig"


def payload(digest: str, reference: str) -> bytes:
    """Return the payload for a manifest; `reference` is the artifact's name, which is part of what is signed."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest},
        "type": _TYPE,
    }
    return msgspec.json.encode({"critical": critical, "optional": None})


def signed(content: bytes, key: Path) -> bytes:
    """Sign a payload with a private key in PEM. Raises MozuError if openssl does not take the key."""
    done = _openssl("dgst", "-sha256", "-sign", str(key), content=content)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
        raise MozuError(f"openssl cannot sign with {key}: {lines[-1]}")
    return done.stdout


def check_keys(keys: Sequence[Path]) -> None:
    """Raise MozuError for the first file that is no public key."""
    for key in keys:
        if _openssl("pkey", "-pubin", "-in", str(key), "-noout").returncode:
            raise MozuError(f"{key} cannot be used: it must be a public key in PEM, such as cosign.pub")


def signer(content: bytes, signature: bytes, keys: Sequence[Path]) -> Path | None:
    """Return the key that has signed a payload; None if no key has."""
    descriptor = os.memfd_create("signature")
    try:
        os.write(descriptor, signature)
        for key in keys:
            arguments = ("dgst", "-sha256", "-verify", str(key), "-signature", f"/proc/self/fd/{descriptor}")
            if _openssl(*arguments, content=content, descriptors=(descriptor,)).returncode == 0:
                return key
    finally:
        os.close(descriptor)
    return None


def names(content: bytes, digest: str) -> bool:
    """Return True if a payload is about the manifest with this digest."""
    try:
        critical = msgspec.json.decode(content, type=_Payload).critical
    except msgspec.DecodeError:
        return False
    return critical.get("image") == {"docker-manifest-digest": digest} and critical.get("type") == _TYPE


class _Payload(msgspec.Struct):
    critical: dict[str, object]


def _openssl(
    *arguments: str, content: bytes = b"", descriptors: Sequence[int] = ()
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["openssl", *arguments], input=content, capture_output=True, check=False, pass_fds=descriptors
        )
    except FileNotFoundError:
        raise MozuError("the program openssl is needed for signatures; install the package openssl") from None
