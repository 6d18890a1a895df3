"""Tests are found by the path of the tested file: tests/ has the folders of the tree, and each plugin has its files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.requirements import ROOT

TESTS: Final = ROOT / "tests"
MIRRORED: Final = ("core", "plugins", "bpf", "benchmarks", "distribution", "tools")
OF_SEVERAL_PLUGINS: Final = {
    "sources/test_edges.py": ("ebpf", "ptrace"),
    "sources/test_every_call.py": ("ebpf", "ptrace"),
}
"""Tests that compare plugins with each other and are not named after one of them."""
OF_DATA: Final = {"rules/test_default_rules.py": "rules/packs"}
"""Tests of data that a plugin reads."""
TESTED_ELSEWHERE: Final = {
    "responders/deny.py": "the sources deny: tests/plugins/sources/test_ebpf_lsm.py and tests/e2e/test_trace_deny.py",
}


def folders_with_tests() -> Iterator[Path]:
    for top in MIRRORED:
        yield from sorted({path.parent.relative_to(TESTS) for path in (TESTS / top).rglob("test_*.py")})


def plugins() -> Iterator[Path]:
    """Yield the modules and packages below plugins/ that are plugins."""
    for kind in sorted((ROOT / "plugins").iterdir()):
        for path in sorted(kind.iterdir()) if kind.is_dir() else ():
            package = (path / "__init__.py").exists()
            if package or (path.suffix == ".py" and path.stem != "__init__"):
                yield path.relative_to(ROOT / "plugins")


def plugin_tests() -> Iterator[Path]:
    for path in sorted((TESTS / "plugins").glob("*/test_*.py")):
        yield path.relative_to(TESTS / "plugins")


@pytest.mark.parametrize("folder", [*folders_with_tests()], ids=str)
def test_a_folder_of_tests_has_the_path_of_a_folder_or_a_module(folder: Path) -> None:
    assert (ROOT / folder).is_dir() or (ROOT / folder).with_suffix(".py").is_file()


@pytest.mark.parametrize("file", [*plugin_tests()], ids=str)
def test_a_file_of_tests_is_named_by_its_plugin(file: Path) -> None:
    named = [plugin.stem for plugin in plugins() if plugin.parent == file.parent]
    about = OF_SEVERAL_PLUGINS.get(str(file))

    if about is not None:
        assert set(about) <= set(named)
    elif str(file) in OF_DATA:
        assert (ROOT / "plugins" / OF_DATA[str(file)]).is_dir()
    else:
        assert file.stem.startswith(tuple(f"test_{name}" for name in named))


@pytest.mark.parametrize("plugin", [*plugins()], ids=str)
def test_a_plugin_has_tests(plugin: Path) -> None:
    found = list((TESTS / "plugins" / plugin.parent).glob(f"test_{plugin.stem}*.py"))

    assert bool(found) != (str(plugin) in TESTED_ELSEWHERE)
