"""No plugin imports another: the import contract covers every plugin, including future ones."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mozu.core.runtime.builtin_plugins import BUILTINS

ROOT = Path(__file__).parents[2]


def contract() -> dict[str, object]:
    """Return the contract of pyproject.toml, without its exceptions."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (rule for rule in rules if rule["type"] == "independence")
    return {name: value for name, value in found.items() if name != "ignore_imports"}


def judged(at: Path, modules: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Check a tree of these modules against the contract."""
    for name, text in modules.items():
        file = at.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for parent in file.relative_to(at).parents[:-1]:
            (at / parent / "__init__.py").touch()
    rows = [f"{name} = {value!r}" for name, value in contract().items()]
    (at / "rules.toml").write_text(
        "\n".join(['[tool.importlinter]\nroot_package = "mozu"\n[[tool.importlinter.contracts]]', *rows])
    )
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-P", "-c", program, "--config", "rules.toml", "--no-cache"]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, timeout=100)


def test_every_plugin_of_the_registry_is_one_module_below_its_kind() -> None:
    assert contract()["modules"] == ["mozu.plugins.*.*"]

    modules = [module for kind in BUILTINS.values() for module in kind.values()]
    assert modules
    assert all(module.startswith("mozu.plugins.") and module.count(".") == 3 for module in modules), modules


@pytest.mark.parametrize("other", ["mozu.plugins.sources.b", "mozu.plugins.sinks.b.deep"])
def test_a_plugin_that_imports_another_breaks_the_contract(tmp_path: Path, other: str) -> None:
    done = judged(tmp_path, {"mozu.plugins.sources.a.inner": f"import {other}\n", other: ""})

    assert (1, True) == (done.returncode, "is not allowed to import" in done.stdout), done.stdout + done.stderr


def test_a_plugin_of_several_modules_keeps_the_contract(tmp_path: Path) -> None:
    done = judged(tmp_path, {"mozu.plugins.sources.a.inner": "import mozu.plugins.sources.a.deep.c\n",
                             "mozu.plugins.sources.a.deep.c": "", "mozu.plugins.sinks.b": "import mozu.core\n",
                             "mozu.core.x": ""})  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
