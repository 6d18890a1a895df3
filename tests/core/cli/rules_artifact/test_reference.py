"""Addresses of artifacts."""

import pytest

from mozu.core.cli.rules_artifact.reference import ArtifactReference, parsed

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("oci://r.example/rules/web", ArtifactReference("r.example", "rules/web", "latest", "")),
        ("oci://r.example:5000/web:1.0", ArtifactReference("r.example:5000", "web", "1.0", "")),
        ("oci://[::1]:5000/web:1.0", ArtifactReference("[::1]:5000", "web", "1.0", "")),
        (f"oci://r.example/web@{DIGEST}", ArtifactReference("r.example", "web", "", DIGEST)),
        (f"oci://r.example/web:1.0@{DIGEST}", ArtifactReference("r.example", "web", "1.0", DIGEST)),
        ("dir:///media/a:b/rules:stable", ArtifactReference("/media/a:b/rules", "", "stable", "")),
        (f"dir:///media/rules@{DIGEST}", ArtifactReference("/media/rules", "", "", DIGEST)),
    ],
)
def test_an_address_has_a_place_a_tag_and_a_digest(text: str, reference: ArtifactReference) -> None:
    assert reference == parsed(text)
    assert text == str(reference).removesuffix("" if ":latest" in text else ":latest")


@pytest.mark.parametrize(
    "text",
    [
        "r.example/web", "oci://r.example", "oci://r.example/Web", "oci://r/a/../b", "dir://relative",
        "oci://r.example/web@sha256:12", "oci://u:p@r.example/web",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address of an artifact; write it as oci://HOST"):
        parsed(text)
