"""Fragments of the changelog have names that towncrier knows, and become a section of CHANGELOG.md."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import ROOT

TOWNCRIER = Path(sys.executable).with_name("towncrier")
BEFORE = """\
# Changelog

<!-- towncrier release notes start -->

## Unreleased

### Added

* By hand.
"""


def run(*command: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder that `make changelog` works on, without this project's fragments."""
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d", ignore=shutil.ignore_patterns("*.*.md"))
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "CHANGELOG.md").write_text(BEFORE)
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('\nversion = "', '\nversion = "7.', 1))
    return tmp_path


def test_every_fragment_has_a_name_that_counts() -> None:
    done = run(TOWNCRIER, "build", "--draft", "--version", "0", cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_changelog_says_where_sections_go() -> None:
    assert (ROOT / "CHANGELOG.md").read_text().startswith("# Changelog\n\n<!-- towncrier release notes start -->\n")


def test_fragments_become_the_section_of_the_version_before_what_was_written_by_hand(project: Path) -> None:
    (project / "changelog.d/kafka.fixed.md").write_text("One sentence\nin two lines.\n")
    (project / "changelog.d/a-setting.changed.md").write_text("`one` -> `other`.\n")
    done = run(project / "tools/changelog", TOWNCRIER, cwd=project)
    assert done.returncode == 0, done.stderr
    start, _, section = (project / "CHANGELOG.md").read_text().partition("\n## 7.")
    assert start == "# Changelog\n\n<!-- towncrier release notes start -->\n"
    assert section.splitlines()[1:] == [
        "", "### Changed", "", "* `one` -> `other`.",
        "", "### Fixed", "", "* One sentence", "  in two lines.",
        "", "### Added", "", "* By hand.",
    ]  # fmt: skip
    assert sorted(path.name for path in (project / "changelog.d").iterdir()) == ["README.md", "template.jinja"]


@pytest.mark.parametrize("name", ["kafka.fix.md", "kafka.md", "fixed"])
def test_a_wrong_name_is_an_error_before_anything_is_changed(project: Path, name: str) -> None:
    (project / "changelog.d" / name).write_text("Text.\n")
    done = run(project / "tools/changelog", TOWNCRIER, cwd=project)
    assert done.returncode == 1
    assert f"Invalid news fragment name: {name}" in done.stdout + done.stderr
    assert (project / "CHANGELOG.md").read_text() == BEFORE
