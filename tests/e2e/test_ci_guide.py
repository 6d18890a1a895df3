"""docs/operate/ci.md, followed to the letter by an ordinary user; its examples for CI by their own schemas."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from tests.support.requirements import ROOT
from tests.support.schemas import carried
from tests.support.tracing import environment, ordinary, place

PAGE: Final = (ROOT / "docs/operate/ci.md").read_text()
SCREENS: Final = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
GITHUB, GITLAB = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield the project's directory."""
    with place() as root:
        yield root / "tree"


def shell(script: str, at: Path) -> str:
    """Run a script that may call `mozu`; return its standard output and error."""
    drop, interpreter = ordinary()
    mozu = f'mozu() {{ {shlex.quote(interpreter)} -m mozu "$@"; }}\n'
    done = subprocess.run(
        [*drop, "bash", "-c", mozu + script], cwd=at, env=environment(at.parent / "home"), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.stdout


def pattern(screen: str) -> str:
    """Return a screen's text as a regular expression; `…` stands for any text within a line."""
    shown = "".join(line + "\n" for line in screen.splitlines() if not line.startswith("$ "))
    return "".join("[^\n]*" if part == "…" else re.escape(part) for part in re.split("(…)", shown))


def test_the_page_shows_what_its_commands_print(at: Path) -> None:
    for screen in SCREENS:
        commands = "\n".join(line[2:] for line in screen.splitlines() if line.startswith("$ "))

        shown = shell(commands, at)

        assert re.fullmatch(pattern(screen), shown), f"{commands}\n\nprinted\n\n{shown}"


def commands_of(example: str) -> list[str]:
    """Return the lines of a pipeline that run mozu."""
    document: Any = yaml.safe_load(example)["jobs"]["test"] if "jobs:" in example else yaml.safe_load(example)["test"]
    lines = [step.get("run", "") for step in document.get("steps", ())] + list(document.get("script", ()))
    return [line for line in lines if line.startswith("mozu ")]


@pytest.mark.parametrize("example", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
def test_the_line_of_a_pipeline_fails_a_poisoned_build_and_writes_the_reports_that_it_uploads(
    example: str, at: Path
) -> None:
    (at / "Makefile").write_text("test:\n\t-@cat /etc/shadow\n")
    (line,) = commands_of(example)

    shown = shell(f"{line}\necho exit code $?", at)

    wanted = set(re.findall(r"(?:sarif_file|junit): (\S+?)\}", example))
    assert ("exit code 120", True) == (shown.splitlines()[-1], wanted <= {path.name for path in at.iterdir()})


@pytest.mark.parametrize(("example", "schema"), [(GITHUB, "github-workflows"), (GITLAB, "gitlab-ci")])
def test_an_example_is_a_valid_pipeline(example: str, schema: str) -> None:
    document = yaml.load(example, yaml.BaseLoader)  # `on` is a word here, as for the CI services

    judge = jsonschema_rs.validator_for(carried(f"vendor/{schema}.json"))
    assert [] == [error.message for error in judge.iter_errors(document)]
