import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import ROOT


@pytest.mark.parametrize("name", ["core", "plugins", "bpf"])
def test_the_import_root_holds_relative_links_to_the_top_level(name: str) -> None:
    link = ROOT / "src" / "mozu" / name
    assert link.readlink() == Path("..", "..", name)
    assert (link / "__init__.py").is_file()


def test_the_import_root_holds_nothing_else_but_the_promised_name_of_the_kit() -> None:
    found = {path.name for path in (ROOT / "src" / "mozu").iterdir()} - {"__pycache__"}
    assert found == {"__init__.py", "__main__.py", "py.typed", "testing.py", "core", "plugins", "bpf"}


def test_no_module_is_imported_under_a_second_name() -> None:
    """`core.model.event` would be the same file with other classes in it."""
    code = (
        "import sys, mozu.core.cli.run, mozu.core.runtime.registry as registry\n"
        "registry.Registry().plugin(registry.Kind.SINK, 'stdout')\n"
        "print(sorted({'core', 'plugins', 'bpf'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": "src"}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_package_has_a_docstring_file() -> None:
    """A directory of modules without `__init__.py` would be left out of the wheel silently."""
    missing = [
        path.relative_to(ROOT)
        for top in ("core", "plugins")
        for path in (ROOT / top).rglob("*")
        if path.is_dir() and any(path.glob("*.py")) and not (path / "__init__.py").is_file()
    ]
    assert missing == []
