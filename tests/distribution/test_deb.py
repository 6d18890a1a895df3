"""The package for Debian: two builds of a commit are equal, and the package holds what it should."""

import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Final

import pytest

from distribution import wheels
from tests.support.clean import run_clean
from tests.support.requirements import program
from tests.support.split import needs_live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPTS: Final = ("postinst", "postrm", "prerm")


@pytest.fixture(scope="module")
@needs_live
def tree(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked package: the tree that it installs, with its scripts in DEBIAN."""
    target = tmp_path_factory.mktemp("tree") / "root"
    done = run_clean(program("dpkg-deb"), "-R", packages[0], target)
    assert done.returncode == 0, done.stderr
    return target


def test_two_builds_are_equal_byte_for_byte(packages: list[Path]) -> None:
    first, second = (hashlib.sha256(file.read_bytes()).hexdigest() for file in packages)
    assert first == second


def test_every_command_has_its_page(tree: Path) -> None:
    page = gzip.decompress((tree / "usr/share/man/man1/mozu-run.1.gz").read_bytes()).decode()
    names = {path.name.removesuffix(".1.gz") for path in (tree / "usr/share/man/man1").iterdir()}

    assert {"mozu", "mozu-run", "mozu-ebpf-show", "mozu-rules-explain"} <= names
    assert "\\fB\\-\\-duration SECONDS\\fR" in page


def test_the_bill_names_every_wheel_with_its_digest(tree: Path) -> None:
    bill = json.loads((tree / "usr/share/doc/mozu/mozu.cdx.json").read_text())
    named = {
        (reference["comment"], reference["hashes"][0]["content"])
        for component in bill["components"]
        for reference in component["externalReferences"]
    }
    assert named == {(one.file, one.sha256) for one in wheels.locked("x86_64")}


def test_the_kernel_programs_are_built_from_the_sources_that_it_holds(tree: Path) -> None:
    site = tree / "usr/lib/mozu/lib/site-packages"
    asked = "from mozu.plugins.sources.ebpf.objects import object_file as f; print(f.are_current(), f.__file__)"
    done = run_clean(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {asked}")

    assert done.stdout.split() == ["True", f"{site}/mozu/plugins/sources/ebpf/objects/object_file.py"], done.stderr


def test_the_rules_are_where_mozu_and_the_administrator_look_for_them(tree: Path) -> None:
    packs = tree / "usr/lib/mozu/lib/site-packages/mozu/plugins/rules/packs"
    assert (packs.readlink(), (tree / "etc/mozu/rules.available").readlink()) == (
        Path("/usr/share/mozu/rules"), Path("../../usr/share/mozu/rules"),
    )  # fmt: skip
    assert (tree / "usr/share/mozu/rules/00-words.yaml").is_file()


def test_the_configuration_that_it_brings_is_good(tree: Path) -> None:
    configuration = tree / "etc/mozu/mozu.yaml"
    text = configuration.read_text().replace("/etc/mozu/rules.enabled", str(tree / "usr/share/mozu/rules"))
    configuration.write_text(text.replace("/etc/mozu/rules.d", str(tree / "etc/mozu/rules.d")))
    done = run_clean(sys.executable, "-m", "mozu", "check", "-c", configuration, "--for-another-machine")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_shell(tree: Path, script: str) -> None:
    done = run_clean(program("sh"), "-n", tree / "DEBIAN" / script)
    assert (done.returncode, done.stderr) == (0, "")
