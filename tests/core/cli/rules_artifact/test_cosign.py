"""Signatures in cosign's format."""

import json
from pathlib import Path

import pytest

from mozu.core.cli.rules_artifact import cosign
from mozu.core.errors import MozuError
from tests.support import cosign_keys

pytestmark = pytest.mark.live

DIGEST = f"sha256:{'ab' * 32}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return cosign_keys.pair(tmp_path)


def test_one_of_several_keys_has_signed(tmp_path: Path, key: Path) -> None:
    other = cosign_keys.pair(tmp_path, "other")
    payload = cosign.payload(DIGEST, "r.example/web")
    signature = cosign.signed(payload, key)
    keys = [Path(f"{other}.pub"), Path(f"{key}.pub")]
    assert keys[1] == cosign.signer(payload, signature, keys)
    assert cosign.signer(payload, signature, keys[:1]) is None
    assert cosign.signer(payload.replace(b"abab", b"abac"), signature, keys) is None
    assert cosign.signer(payload, b"no signature", keys) is None


def test_a_payload_is_about_one_manifest() -> None:
    payload = cosign.payload(DIGEST, "r.example/web")
    assert "r.example/web" == json.loads(payload)["critical"]["identity"]["docker-reference"]
    assert cosign.names(payload, DIGEST)
    assert not cosign.names(payload, DIGEST.replace("ab", "ac"))
    assert not cosign.names(payload.replace(b"cosign container image signature", b"x"), DIGEST)
    assert not cosign.names(b"{}", DIGEST)


def test_the_tag_of_signatures_follows_from_the_digest() -> None:
    assert f"sha256-{'ab' * 32}.sig" == cosign.signature_tag(DIGEST)


def test_files_that_are_no_keys_are_named(tmp_path: Path, key: Path) -> None:
    cosign.check_keys([Path(f"{key}.pub")])
    with pytest.raises(MozuError, match=f"{key} cannot be used: it must be a public key in PEM"):
        cosign.check_keys([key])
    with pytest.raises(MozuError, match=f"openssl cannot sign with {key}.pub: "):
        cosign.signed(b"", Path(f"{key}.pub"))


def test_without_openssl_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MozuError, match="the program openssl is needed for signatures; install the package openssl"):
        cosign.check_keys([tmp_path])
