import zipfile
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf.objects import object_file
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS
from tests.packaging.conftest import KERNEL_PROGRAMS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("top", ["core", "plugins", "bpf"])
def test_every_file_of_the_tree_is_in_the_wheel(names: set[str], checkout: Path, top: str) -> None:
    expected = {f"mozu/{path.relative_to(checkout)}" for path in (checkout / top).rglob("*") if path.is_file()}
    assert len(expected) > 10
    assert expected - names == set()


def test_the_kernel_programs_are_in_the_wheel_compiled_and_nothing_else_that_their_build_makes(
    names: set[str], checkout: Path
) -> None:
    needed = {object_file.path(variant).name for variant in VARIANTS}
    built = {file.name for file in (checkout / KERNEL_PROGRAMS).iterdir()}
    assert needed <= built
    assert {name.rpartition("/")[2] for name in names if name.startswith(f"mozu/{KERNEL_PROGRAMS}/")} == built
    assert {Path(name).suffix for name in built} == {".objects"}


def test_the_rule_packs_are_in_the_wheel(names: set[str]) -> None:
    assert any(name.startswith("mozu/plugins/rules/packs/") and name.endswith(".yaml") for name in names)


def test_the_wheel_says_that_it_is_typed(names: set[str]) -> None:
    assert "mozu/py.typed" in names


def test_the_wheel_installs_one_package_and_no_other_top_level(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mozu"}


def test_no_tests_or_leftovers_are_in_the_wheel(names: set[str]) -> None:
    parts = {name: name.split("/") for name in names}
    assert [name for name in names if {"tests", "__pycache__"} & set(parts[name]) or name.endswith(".pyc")] == []
