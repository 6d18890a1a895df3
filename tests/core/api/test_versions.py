"""The contract is versioned: version 2 stays as released, and a plugin written for it runs unchanged."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from mozu.core.api import API_VERSION
from mozu.testing import ScriptedEndpoint, scripted_endpoint
from tests.core.api.surface import surface
from tests.support.requirements import DATA, ROOT

WHEEL: Final = DATA / "plugins" / "mozu_frozen-2.0-py3-none-any.whl"
DIGEST: Final = "3fc5315c0183f15718604fdaa516a83025244336913cfea70c95b30b090c2282"
PROMISED: Final = DATA / "api" / "version-2.txt"


def test_everything_that_version_2_promised_is_there_as_it_was() -> None:
    """Compare with the released list. A failure means that plugins break: restore the old line, or raise API_VERSION
    (docs/plugins/hooks.md) and write the list of the new version. New lines may be added to the list: `python -m
    tests.core.api.surface`.
    """
    assert API_VERSION == 2
    assert set(PROMISED.read_text().splitlines()) - set(surface()) == set()


def test_the_plugin_that_was_written_for_version_2_is_the_one_that_was_built_then() -> None:
    assert sha256(WHEEL.read_bytes()).hexdigest() == DIGEST


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's content, as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(WHEEL) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def there() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(200) as endpoint:
        yield endpoint


def mozu(site: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(ROOT / "src")))}
    command = [sys.executable, "-m", "mozu", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_it_is_listed_with_everything_that_it_brings(site: Path, tmp_path: Path) -> None:
    listed = json.loads(mozu(site, tmp_path, "plugins", "-p", "frozen", "--json").stdout)
    own = [one for one in listed["plugins"] if one["distribution"] == "mozu-frozen"]
    assert [(one["kind"], one["name"], one["api"]) for one in own] == [
        ("source", "frozen_lines", 2), ("enricher", "frozen_owner", 2), ("evaluator", "frozen_burst", 2),
        ("sink", "frozen_post", 2),
    ]  # fmt: skip
    assert [(one["what"], one["name"]) for one in listed["extensions"]] == [
        ("commands", "frozen"), ("fields", "frozen_fields"), ("format", "frozen_pairs"),
    ]  # fmt: skip


def test_it_runs_unchanged(site: Path, tmp_path: Path, there: ScriptedEndpoint) -> None:
    (tmp_path / "file.log").write_text("ERROR no disk\n" + "all is well\n" * 3)
    (tmp_path / "mozu.yaml").write_text(
        f"""\
plugins: [frozen]
sources: [frozen_lines: {{path: file.log}}]
enrichers: [frozen_owner: {{url: "{there.url}"}}]
evaluators:
  - falco: {{rules: ["package:mozu_frozen/rules"], append_output: [{{extra_output: "of %frozen_fields.words words"}}]}}
  - frozen_burst: {{source: frozen_lines, type: line, count: 3, seconds: 60}}
sinks:
  - file: {{path: alerts.log, format: frozen_pairs}}
  - frozen_post: {{url: "{there.url}", format: json}}
"""
    )
    done = mozu(site, tmp_path, "run", "-c", "mozu.yaml", "--duration", "2", "--record", "run.jsonl.gz")
    assert done.returncode == 0, done.stderr
    rules = [json.loads(request.body)["rule"] for request in there.requests]
    assert [rule for rule in rules if "mozu" not in rule] == ["Error in a line of frozen_lines", "Burst of events"]
    lines = (tmp_path / "alerts.log").read_text().splitlines()
    expected = 'rule="Error in a line of frozen_lines" priority=warning message="ERROR no disk of 3 words" seq='
    assert [line.startswith(expected) for line in lines].count(True) == 1
    again = mozu(site, tmp_path, "replay", "run.jsonl.gz", "-c", "mozu.yaml", "-o", "sinks=[stdout]", "--json")
    assert [json.loads(line)["rule"] for line in again.stdout.splitlines()] == rules[1:-1], again.stderr
    (tmp_path / "alerts.json").write_text('{"rule": "A"}\n')
    assert mozu(site, tmp_path, "frozen", "count", "alerts.json").stdout == "       1 A\n"
