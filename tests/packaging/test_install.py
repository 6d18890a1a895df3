from pathlib import Path

import pytest

from tests.packaging.conftest import PIP
from tests.support.clean import run_clean

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def output(*command: object, cwd: Path) -> str:
    """Run a command and return its standard output. `cwd` has no sources of mozu, so only installed modules can be
    found."""
    done = run_clean(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_tells_its_version(environment: Path, tmp_path: Path, wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    assert output(environment / "mozu", "--version", cwd=tmp_path) == f"mozu {version}\n"


def test_the_module_runs_as_well(environment: Path, tmp_path: Path) -> None:
    assert output(environment / "python", "-m", "mozu", "--version", cwd=tmp_path).startswith("mozu ")


def test_every_built_in_can_be_imported_where_only_the_wheel_is(environment: Path, tmp_path: Path) -> None:
    done = run_clean(environment / "mozu", "plugins", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "source ebpf  (mozu " in done.stdout


def test_the_kernel_programs_are_built_from_the_sources_that_are_installed(environment: Path, tmp_path: Path) -> None:
    asked = "from mozu.plugins.sources.ebpf.objects.object_file import are_current; print(are_current())"
    assert output(environment / "python", "-c", asked, cwd=tmp_path) == "True\n"


def test_dependencies_are_complete_and_agree(environment: Path, tmp_path: Path) -> None:
    assert "No broken requirements" in output(*PIP, "--python", environment / "python", "check", cwd=tmp_path)


def test_the_rules_in_the_wheel_pass_their_tests_without_bcc(environment: Path, tmp_path: Path) -> None:
    place = "import mozu.plugins.rules as rules; print(*rules.__path__)"
    (packs,) = output(environment / "python", "-c", place, cwd=tmp_path).split()
    said = output(environment / "mozu", "test", packs, "--min-coverage", "95", cwd=tmp_path)
    assert " passed in " in said
    bcc = "import importlib.util; print(importlib.util.find_spec('bcc'))"
    assert output(environment / "python", "-c", bcc, cwd=tmp_path) == "None\n"
