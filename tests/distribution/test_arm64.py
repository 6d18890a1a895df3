"""The package for arm64: differences from the package for x86-64."""

import json
import struct
from pathlib import Path
from typing import Final

import pytest

from distribution import wheels
from mozu.plugins.sources.ebpf.objects import object_file
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS
from tests.packaging.conftest import KERNEL_PROGRAMS
from tests.support.clean import run_clean
from tests.support.requirements import program
from tests.support.split import needs_live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_EM_AARCH64: Final = 183
_SITE: Final = "usr/lib/mozu/lib/site-packages"
_DIFFER: Final = {
    *("DEBIAN/control", "DEBIAN/md5sums", "usr/share/doc/mozu/mozu.cdx.json"),
    *("usr/lib/systemd/system/mozu.service", "usr/lib/systemd/system/mozu@.service"),
}


def unpacked(package: Path, target: Path) -> Path:
    done = run_clean(program("dpkg-deb"), "-R", package, target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
@needs_live
def arm64(package_for_arm64: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked package: the tree that it installs, with its scripts in DEBIAN."""
    return unpacked(package_for_arm64, tmp_path_factory.mktemp("arm64") / "root")


@pytest.fixture(scope="module")
@needs_live
def x86_64(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(packages[0], tmp_path_factory.mktemp("x86_64") / "root")


def contents(tree: Path) -> dict[str, bytes]:
    """Return the contents of the tree's regular files, by path."""
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}


def machines(tree: Path) -> set[int]:
    """Return the e_machine values of the tree's extension modules."""
    return {struct.unpack_from("<H", path.read_bytes(), 18)[0] for path in (tree / _SITE).rglob("*.so*")}


def test_every_extension_module_is_of_its_machine(arm64: Path, package_for_arm64: Path) -> None:
    assert "Architecture: arm64\n" in (arm64 / "DEBIAN/control").read_text()
    assert package_for_arm64.name.endswith("_arm64.deb")
    assert machines(arm64) == {_EM_AARCH64}


def test_the_bill_names_its_wheels(arm64: Path) -> None:
    bill = json.loads((arm64 / "usr/share/doc/mozu/mozu.cdx.json").read_text())
    named = {reference["comment"] for component in bill["components"] for reference in component["externalReferences"]}
    assert named == {one.file for one in wheels.locked("aarch64")}


def test_the_service_may_ask_for_the_personality_of_32_bit_programs(arm64: Path, x86_64: Path) -> None:
    for name in ("mozu.service", "mozu@.service"):
        unit = (x86_64 / "usr/lib/systemd/system" / name).read_text()
        assert "LockPersonality=yes\n" in unit
        assert (arm64 / "usr/lib/systemd/system" / name).read_text() == unit.replace("LockPersonality=yes\n", "")


def test_all_else_is_the_same(arm64: Path, x86_64: Path) -> None:
    first, second = contents(arm64), contents(x86_64)
    differ = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    compiled = {name for name in differ if name.startswith(_SITE) and (".so" in name or name.endswith(".objects"))}
    assert differ - compiled == _DIFFER


def test_each_has_the_kernel_programs_of_its_machine_and_no_others(arm64: Path, x86_64: Path) -> None:
    for tree, machine in ((arm64, "aarch64"), (x86_64, "x86_64")):
        expected = {object_file.path(variant, Path(), machine).name for variant in VARIANTS}
        assert {file.name for file in (tree / _SITE / "mozu" / KERNEL_PROGRAMS).iterdir()} == expected
