"""CI and pre-commit call the targets of the Makefile, on all systems and Pythons that the project names."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from tests.support.requirements import ROOT
from tests.support.schemas import carried

WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEST: Final[dict[str, Any]] = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
RELEASE: Final[dict[str, Any]] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
MAKEFILE: Final = (ROOT / "Makefile").read_text()
MESSAGES: Final = "tools/commit-messages"
TARGETS: Final = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
SYSTEMS: Final = ["debian:12", "debian:13", "ubuntu:24.04"]


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["vendor/github-workflows.json", "custom/github-workflows-require-timeout.json"])
def test_a_workflow_is_valid_and_every_job_ends_some_time(path: Path, name: str) -> None:
    document = yaml.safe_load(path.read_text())
    document["on"] = document.pop(True)  # `on` is a text in YAML 1.2, which GitHub reads
    assert [error.message for error in jsonschema_rs.validator_for(carried(name)).iter_errors(document)] == []


@pytest.mark.parametrize("job", TEST)
def test_a_job_runs_targets_of_the_makefile_and_nothing_else_but_the_check_of_messages(job: str) -> None:
    ran = [line for line in commands(TEST[job]) if not line.startswith(f"{MESSAGES} ")]
    bootstrap = [line for line in ran if line.startswith("apt-get update && apt-get install ")]
    assert len(bootstrap) == ("container" in TEST[job])
    called = [re.fullmatch(r"(?:sudo CI=true )?make ([a-z]+)", line) for line in ran if line not in bootstrap]
    assert {match[1] if match else None for match in called} <= TARGETS


def test_the_jobs_run_all_that_make_test_runs() -> None:
    (recipe,) = re.findall(r"^test:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    parts = {line.split()[-1] for line in recipe.splitlines()}
    ran = {line.split()[-1] for job in TEST.values() for line in commands(job)}
    assert len(parts) > 1
    assert parts <= ran


def test_a_release_is_made_by_the_makefile_and_only_what_publishes_may_write() -> None:
    called = [line.split()[1] for line in commands(RELEASE["files"]) if line.startswith("make ")]
    assert called == ["release"]
    assert "release" in TARGETS
    writes = {name: [one for one, how in job.get("permissions", {}).items() if how == "write"]
              for name, job in RELEASE.items()}  # fmt: skip
    assert writes == {"files": [], "registry": ["id-token"], "page": ["contents"]}


def test_the_systems_and_pythons_are_those_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [text.rpartition(" ")[2] for text in project["classifiers"] if "Python :: 3." in text]
    assert TEST["python"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
    assert TEST["distribution"]["strategy"]["matrix"]["image"] == SYSTEMS


def test_pre_commit_runs_the_parts_of_make_check_on_the_whole_tree() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    *hooks, message = repository["hooks"]
    assert repository["repo"] == "local"
    assert (message["entry"], message["stages"]) == (MESSAGES, ["commit-msg"])
    (parts,) = re.findall(r"^check: ([a-z ]+?) ##", MAKEFILE, re.MULTILINE)
    assert [hook["entry"] for hook in hooks] == [f"make {part}" for part in parts.split()]
    assert {(hook["language"], hook["pass_filenames"]) for hook in hooks} == {("system", False)}


def test_setup_ends_with_the_place_of_the_command_and_the_readme_names_it() -> None:
    recipe = MAKEFILE.partition("\nsetup:")[2].partition("\n\n")[0].splitlines()
    assert recipe[-1].startswith('\t@echo "mozu is installed: $(MOZU).')
    assert "`.venv/bin/mozu`" in (ROOT / "README.md").read_text()
