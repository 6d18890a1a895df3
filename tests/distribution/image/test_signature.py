"""The signature of an image: openssl verifies it over the payload that names the image's digest."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from distribution.image import signature
from tests.distribution.image.test_oci import layout
from tests.support import cosign_keys

pytestmark = pytest.mark.live

DIGEST = f"sha256:{'ab' * 32}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a private key, with the public one beside it as `key.pub`."""
    return cosign_keys.pair(tmp_path)


def verified(key: Path, payload: bytes, signed: bytes, folder: Path) -> bool:
    """Return True if openssl takes the signature of the payload."""
    (folder / "payload").write_bytes(payload)
    (folder / "signature").write_bytes(signed)
    command = ["openssl", "dgst", "-sha256", "-verify", f"{key}.pub", "-signature", str(folder / "signature")]
    return subprocess.run([*command, str(folder / "payload")], check=False, capture_output=True).returncode == 0


def test_the_payload_names_the_image_and_is_signed(tmp_path: Path, key: Path) -> None:
    file = tmp_path / "signature.oci.tar"
    tag = signature.sign(file, DIGEST, key, "mozu")
    index, blobs = layout(file)
    manifest = json.loads(blobs[index["manifests"][0]["digest"]])
    [layer] = manifest["layers"]
    payload, signed = (
        blobs[layer["digest"]],
        base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]),
    )

    assert tag == f"sha256-{'ab' * 32}.sig"
    assert index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == f"mozu:{tag}"
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert json.loads(payload)["critical"]["image"] == {"docker-manifest-digest": DIGEST}
    assert verified(key, payload, signed, tmp_path)
    assert not verified(key, payload.replace(b"abab", b"abac"), signed, tmp_path)


def test_a_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key")
    with pytest.raises(SystemExit, match=f"openssl cannot sign with {tmp_path}/key"):
        signature.sign(tmp_path / "signature.oci.tar", DIGEST, tmp_path / "key", "mozu")
