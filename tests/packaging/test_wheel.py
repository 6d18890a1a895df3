import zipfile
from pathlib import Path

import pytest

from tests.support.requirements import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_DATA = {".c", ".h", ".tsv", ".yaml", ".md", ".typed"}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def source_files(top: str, suffixes: set[str]) -> set[str]:
    """What the tree has, as the wheel should name it."""
    return {
        f"mozu/{path.relative_to(ROOT)}"
        for path in (ROOT / top).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("top", ["core", "plugins", "bpf"])
def test_every_module_is_in_the_wheel(names: set[str], top: str) -> None:
    expected = source_files(top, {".py"})
    assert len(expected) > 0
    assert expected - names == set()


@pytest.mark.parametrize("top", ["core", "plugins", "bpf"])
def test_every_data_file_is_in_the_wheel(names: set[str], top: str) -> None:
    assert source_files(top, _DATA) - names == set()


def test_the_kernel_programs_are_in_the_wheel(names: set[str]) -> None:
    assert any(name.startswith("mozu/bpf/") and name.endswith(".c") for name in names)


def test_the_rule_packs_are_in_the_wheel(names: set[str]) -> None:
    assert any(name.startswith("mozu/plugins/rules/packs/") and name.endswith(".yaml") for name in names)


def test_the_wheel_says_that_it_is_typed(names: set[str]) -> None:
    assert "mozu/py.typed" in names


def test_the_wheel_installs_one_package_and_no_other_top_level(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mozu"}


def test_no_tests_or_leftovers_are_in_the_wheel(names: set[str]) -> None:
    assert [name for name in names if "tests/" in name or "__pycache__" in name or name.endswith(".pyc")] == []
