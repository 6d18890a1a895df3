"""The parts of image references."""

import pytest

from mozu.core.model.containers.image import Image, ImageNames, identify, parse

DIGEST = "sha256:" + "d" * 64
ID = "24722b40957d" + "1" * 52


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("busybox", Image("busybox")),
        ("busybox:1.36", Image("busybox", "1.36")),
        (f"busybox@{DIGEST}", Image("busybox", digest=DIGEST)),
        (f"busybox:1.36@{DIGEST}", Image("busybox", "1.36", DIGEST)),
        ("library/busybox", Image("library/busybox")),
        ("docker.io/library/busybox:1", Image("docker.io/library/busybox", "1")),
        ("docker.io/falcosecurity/falco:0.44", Image("docker.io/falcosecurity/falco", "0.44")),
        ("team/app", Image("team/app")),
        ("localhost/app:2", Image("localhost/app", "2")),
        ("localhost:5000/app", Image("localhost:5000/app")),
        ("localhost:5000/app:2", Image("localhost:5000/app", "2")),
        ("registry.example:5000/team/app:1.2", Image("registry.example:5000/team/app", "1.2")),
        ("registry.example:5000/team/app", Image("registry.example:5000/team/app")),
        (f"registry.example:5000/team/app:1.2@{DIGEST}", Image("registry.example:5000/team/app", "1.2", DIGEST)),
        ("ghcr.io/library/app", Image("ghcr.io/library/app")),
        ("REGISTRY/app:1", Image("REGISTRY/app", "1")),
        ("[2001:db8::1]:5000/app:1", Image("[2001:db8::1]:5000/app", "1")),
        (DIGEST, Image()),
        ("", Image()),
    ],
)
def test_a_reference_has_the_parts_that_the_runtime_shows(reference: str, expected: Image) -> None:
    assert parse(reference) == expected


@pytest.mark.parametrize(
    ("reference", "names", "expected"),
    [
        ("busybox", ImageNames(("busybox:latest",)), Image("busybox", "latest")),
        ("busybox", ImageNames(), Image("busybox", "latest")),
        ("busybox:1", ImageNames(("team/other:9", "busybox:1")), Image("busybox", "1")),
        ("box:1", ImageNames(("box:1",), (f"box@{DIGEST}",)), Image("box", "1", DIGEST)),
        ("box:1", ImageNames(("box:1",), (f"a@{DIGEST[:-1]}e", f"box@{DIGEST}")), Image("box", "1", DIGEST)),
        ("box:1", ImageNames(("box:1",), (f"a@{DIGEST[:-1]}e", f"b@{DIGEST}")), Image("box", "1")),
        ("box:1", ImageNames(("box:1",), (f"pulled/as@{DIGEST}",)), Image("box", "1", DIGEST)),
        (f"box@{DIGEST}", ImageNames(("box:7",), (f"box@{DIGEST}",)), Image("box", "7", DIGEST)),
        (f"box@{DIGEST}", ImageNames(("other:7",), (f"box@{DIGEST}",)), Image("box", "", DIGEST)),
        ("24722b40957d", ImageNames(("host:5000/team/box:1.2",)), Image("host:5000/team/box", "1.2")),
        (f"sha256:{ID}", ImageNames(("box:1",), (f"box@{DIGEST}",)), Image("box", "1", DIGEST)),
        (f"sha256:{ID}", ImageNames((), (f"box@{DIGEST}",)), Image("box", "", DIGEST)),
        (ID, ImageNames(), Image()),
        ("2472", ImageNames(("2472:latest",)), Image("2472", "latest")),
        ("beef", ImageNames(("beef:latest",)), Image("beef", "latest")),
        (
            "docker.io/library/box",
            ImageNames(("box:latest",), (f"box@{DIGEST}",)),
            Image("docker.io/library/box", "latest", DIGEST),
        ),
        ("box:1", ImageNames((), (f"docker.io/library/box@{DIGEST}",)), Image("box", "1", DIGEST)),
        (f"index.docker.io/box@{DIGEST}", ImageNames(("box:7",)), Image("index.docker.io/box", "7", DIGEST)),
        ("library/box:1", ImageNames(("a:1",), (f"a@{ID}", f"box@{DIGEST}")), Image("library/box", "1", DIGEST)),
    ],
)
def test_what_a_reference_leaves_open_comes_from_the_names_of_the_image(
    reference: str, names: ImageNames, expected: Image
) -> None:
    assert identify(reference, ID, names) == expected
