"""Every test is a unit test or live, and no live test counts as a unit test."""

import re
import tomllib
from typing import Final

import pytest

from tests.support.requirements import ROOT

pytest_plugins = ["pytester"]

CONFTEST: Final = """
import pytest
from tests.conftest import (
    pytest_pycollect_makeitem,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_runtest_teardown,
)
from tests.support import requirements, split

@pytest.fixture
@split.needs_live
def engine():
    return "engine"

@pytest.fixture
def through(engine):
    return engine
"""
CONFIGURATION: Final = """
[pytest]
addopts = --import-mode=importlib -p no:cacheprovider
filterwarnings =
    ignore::pytest.PytestAssertRewriteWarning
markers =
    live
    ebpf
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with the hooks of this one's conftest; tests put their own tests into its folder tests/."""
    pytester.makeini(CONFIGURATION)
    (pytester.path / "tests" / "e2e").mkdir(parents=True)
    (pytester.path / "conftest.py").write_text(CONFTEST)
    return pytester


def outcomes(project: pytest.Pytester, text: str, *options: str, folder: str = ".") -> dict[str, int]:
    (project.path / "tests" / folder / "test_it.py").write_text(
        f"import pytest\nfrom tests.support import requirements\n{text}"
    )
    return project.runpytest_inprocess("-q", *options).parseoutcomes()


@pytest.mark.parametrize(
    ("folder", "text", "live"),
    [
        (".", "def test_it(): pass", False),
        ("e2e", "def test_it(): pass", True),
        (".", "@pytest.mark.ebpf\ndef test_it(): pass", True),
        (".", "pytestmark = pytest.mark.live\ndef test_it(): pass", True),
        (".", "class TestIt:\n    pytestmark = pytest.mark.live\n    def test_it(self): pass", True),
        (".", "@pytest.mark.live\ndef test_it(engine): pass", True),
        (".", "@pytest.mark.live\ndef test_it(through): pass", True),
    ],
)
def test_a_test_is_live_by_its_folder_or_a_marker(project: pytest.Pytester, folder: str, text: str, live: bool) -> None:
    selected, left_out = {"passed": 1}, {"deselected": 1}

    assert (selected if live else left_out) == outcomes(project, text, "-m", "live", folder=folder)
    assert (left_out if live else selected) == outcomes(project, text, "-m", "not live", folder=folder)


@pytest.mark.parametrize("fixture", ["engine", "through"])
def test_a_unit_test_with_a_live_fixture_does_not_collect(project: pytest.Pytester, fixture: str) -> None:
    (project.path / "tests" / "test_it.py").write_text(f"def test_it({fixture}): pass\n")

    result = project.runpytest_inprocess("-q", "--collect-only")

    assert {"errors": 1} == result.parseoutcomes()
    result.stdout.fnmatch_lines(["*test_it uses the fixture engine, which needs a live machine: mark it*"])


@pytest.mark.parametrize(
    "need", ["requirements.program('sh')", "requirements.ebpf()", "requirements.require(True, 'x')"]
)
def test_a_unit_test_that_asks_for_what_only_live_ones_have_fails(project: pytest.Pytester, need: str) -> None:
    assert {"failed": 1} == outcomes(project, f"def test_it(): {need}")


def test_a_unit_test_starts_no_program_that_not_every_machine_has(project: pytest.Pytester) -> None:
    start = (
        "import subprocess\ndef test_it():\n    with pytest.raises(FileNotFoundError): subprocess.run(['/no/such/{}'])"
    )

    assert {"failed": 1} == outcomes(project, start.format("git"))
    assert {"passed": 1} == outcomes(project, "pytestmark = pytest.mark.live\n" + start.format("git"))
    assert {"passed": 1} == outcomes(project, start.format("sh"))


def test_a_fixture_of_live_tests_ends_undisturbed_where_a_unit_test_is_the_last(project: pytest.Pytester) -> None:
    text = """
@pytest.fixture(scope="module")
def engine():
    yield
    requirements.program("sh")

@pytest.mark.live
def test_live(engine): pass

def test_unit(): pass
"""
    assert {"passed": 2} == outcomes(project, text)


def test_a_fixture_that_asks_for_what_only_live_tests_have_fails_a_unit_test(project: pytest.Pytester) -> None:
    assert {"errors": 1} == outcomes(
        project, "@pytest.fixture\ndef engine(): requirements.program('sh')\ndef test_it(engine): pass"
    )


def test_unit_and_live_together_are_every_test_and_none_is_in_both() -> None:
    """Both run all of tests/, with opposite expressions, and leave out nothing else."""
    commands = dict(
        re.findall(r"^(unit|live):.*\n(?:\ttools/.*\n)?\t.*\$\(PYTHON\) -m pytest (.*)$", _makefile(), re.M)
    )
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]

    assert {"unit": '-q -n auto -m "not live"', "live": "-m live"} == commands
    assert ["tests"] == configured["testpaths"]
    assert "--import-mode=importlib --strict-markers --strict-config -ra" == configured["addopts"]


def test_make_test_runs_check_unit_and_live() -> None:
    (recipe,) = re.findall(r"^test:.*\n((?:\t.*\n)+)", _makefile(), re.M)

    assert ["check", "unit", "live"] == re.findall(r"\$\(MAKE\) (\w+)", recipe)


def _makefile() -> str:
    return (ROOT / "Makefile").read_text()
