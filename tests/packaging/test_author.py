"""A plugin author's machine: mozu's wheel in a fresh environment, a new plugin, and the commands of its CI."""

import re
import shlex
from pathlib import Path

import pytest

from mozu.core.cli.plugin.scaffold import KINDS
from tests.core.api.test_versions import WHEEL
from tests.packaging.conftest import PIP
from tests.support.clean import run_clean

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_ci_of_a_new_plugin_passes_with_the_kit_alone(authors_environment: Path, tmp_path: Path, kind: str) -> None:
    made = run_clean(authors_environment / "mozu", "plugin", "new", kind, f"acme_{kind}", "--into", tmp_path)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / f"mozu-acme-{kind}"
    ci = (folder / ".github/workflows/ci.yml").read_text()
    steps = re.findall(r"^ +- run: (.*)$", ci, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["pip", "ruff", "mypy", "pytest"]
    for step in steps:
        program, *arguments = shlex.split(step)
        command = (
            (*PIP, "--python", authors_environment / "python") if program == "pip" else (authors_environment / program,)
        )
        done = run_clean(*command, *arguments, cwd=folder)
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
    if kind != "rules":  # a package of rules has no entry point: its tests are all there is to check
        checked = run_clean(authors_environment / "mozu", "plugins", "check", f"acme_{kind}", cwd=folder)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_plugin_installs_from_its_own_wheel_beside_that_of_mozu(authors_environment: Path, tmp_path: Path) -> None:
    done = run_clean(*PIP, "--python", authors_environment / "python", "install", "--quiet", "--no-deps", WHEEL)
    assert done.returncode == 0, done.stderr
    checked = run_clean(authors_environment / "mozu", "plugins", "check", "frozen", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "sink frozen_post: ok" in checked.stdout
    assert "format frozen_pairs: ok" in checked.stdout
