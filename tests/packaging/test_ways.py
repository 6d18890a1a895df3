"""Ways to install mozu: each provides a command that checks, runs and replays, or fails with a reason."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import requirements
from tests.support.clean import run_clean
from tests.support.running import mozu_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RULES = """\
- rule: Marker
  desc: A marker is opened.
  condition: evt.type = openat and fd.name endswith /mozu-marker
  output: marker %fd.name
  priority: NOTICE
"""


@pytest.fixture(scope="module")
def editable(installed: Callable[..., Path], without_links: Path) -> Path:
    """Return the directory `bin` of an editable install of a checkout without links."""
    return installed("--editable", without_links)


@pytest.fixture(scope="module", params=["wheel", "sdist", "without links", "without links, editable"])
def commands(request: pytest.FixtureRequest, installed: Callable[..., Path]) -> Path:
    """Return the directory `bin` of each way."""
    wanted: Callable[[str], Path] = request.getfixturevalue
    match request.param:
        case "wheel":
            return wanted("environment")
        case "sdist":
            return installed(wanted("sdist"))
        case "without links":
            return installed(wanted("without_links"))
        case _:
            return wanted("editable")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with rules and the file that they look for, without anything of mozu."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "mozu-marker").touch()
    return tmp_path


def mozu(commands: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a directory in which only the installed mozu can be found."""
    return run_clean(commands / "mozu", *arguments, cwd=folder, patience=120)


def reported(alert: dict[str, Any]) -> list[Any]:
    """Return the content of an alert, and its id."""
    return [alert[name] for name in ("rule", "output_fields", "time", "uuid")]


def test_it_checks(commands: Path, folder: Path) -> None:
    good = mozu(commands, folder, "check", "rules.yaml")
    assert (good.returncode, good.stderr) == (0, "")
    (folder / "rules.yaml").write_text(RULES.replace("fd.name endswith", "fd.nmae endswith"))
    assert mozu(commands, folder, "check", "rules.yaml").returncode == 1


def test_it_runs_and_replays_what_it_recorded(commands: Path, folder: Path) -> None:
    options = ("-r", "rules.yaml", "--record", "made.jsonl.gz", "--report", "json:made.json")
    traced = mozu(commands, folder, "trace", *options, "--", "cat", "mozu-marker")
    assert traced.returncode == 0, traced.stderr
    replayed = mozu(commands, folder, "replay", "made.jsonl.gz", "-r", "rules.yaml", "--json")
    assert replayed.returncode == 0, replayed.stderr

    (then,) = json.loads((folder / "made.json").read_text())["alerts"]
    (again,) = [json.loads(line) for line in replayed.stdout.splitlines()]
    assert (then["rule"], then["output_fields"]["fd.name"]) == ("Marker", f"{folder}/mozu-marker")
    assert reported(again) == reported(then)


@pytest.mark.ebpf
def test_an_editable_install_without_links_finds_the_kernel_programs(editable: Path, folder: Path) -> None:
    requirements.ebpf()
    through = ("sh", "-c", 'shift 3; exec "$0" "$@"', str(editable / "mozu"))
    with mozu_run(folder, "-r", str(folder / "rules.yaml"), env={"PYTHONPATH": ""}, through=through) as running:
        (folder / "mozu-marker").read_text()
        marker = f"{folder}/mozu-marker"
        running.wait_alert(lambda alert: alert["output_fields"]["fd.name"] == marker, "the marker")
        running.stop()


def test_an_uninstalled_checkout_without_links_says_what_to_do(without_links: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mozu", "--version"],  # without installed packages
        cwd=tmp_path, env={"PYTHONPATH": str(without_links / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: src/mozu/core is no symbolic link in this checkout (git's core.symlinks is false): install mozu, "
        "which needs no links (pip install .), or check out again with core.symlinks=true"
    )
