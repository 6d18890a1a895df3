"""Commands of README and docs/ that need nothing but files run as written, in a folder with those files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.core.cli.why.looking import RULES, recording
from tests.docs.snippets import blocks, commands, words
from tests.support.requirements import ROOT

NOT_HERE: Final = {
    "mozu replay": "the command by its name, without the recordings that it needs",
    "mozu why": "the command by its name",
    "mozu why RULE": "a row of the table of commands, without an event",
    "mozu import": "the command by its name",
    "mozu test --watch": "it ends by a signal; tests/core/cli/test_rule_tests.py has it",
    "mozu test plugins/rules/packs --coverage": "tests/plugins/rules/test_falco_packs.py runs these tests",
}
"""Command → reason why it is not run here."""
KINDS: Final = re.compile(r"mozu (events|import|replay|test|why)\b")
SHOWN: Final = [one for one in dict.fromkeys(text for _, text in commands()) if KINDS.match(one)]
OPTIONAL: Final = ("PATTERN", "PATH")
CONFIGURED: Final = "rules.yaml"
"""The rules of the configuration, for commands that name none."""


def mozu(folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mozu", *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder with the files that pages mention, and an alert of the recordings as JSON."""
    folder = tmp_path_factory.mktemp("scene")
    capture = recording(folder)  # writes reads.scap and rules.yaml
    more = RULES.partition("- rule: Anything read")[2].partition("- rule:")[0]
    (folder / CONFIGURED).write_text(f"{RULES}- rule: Another rule{more}")
    (folder / "new.yaml").write_text(RULES)
    (folder / "capture.scap").write_bytes(capture.read_bytes())
    own, tests = [one.text for one in blocks() if one.page == "rules/tests.md" and one.language == "yaml"][:2]
    (folder / "tested" / "rules").mkdir(parents=True)
    (folder / "tested" / "rules" / "my_rules.yaml").write_text(own)
    (folder / "tested" / "rules" / "my_rules_test.yaml").write_text(tests)
    (folder / "falco.yaml").write_text("json_output: true\nrules_files: [rules.yaml]\n")
    (folder / "config.yaml").write_text("webhook: {address: http://127.0.0.1:9}\n")
    done = mozu(folder, "replay", "reads.scap", "--json", "-r", CONFIGURED, "--record", "monday.jsonl.gz")
    return folder, done.stdout.splitlines()[0]


def test_every_command_that_is_left_out_is_shown() -> None:
    assert set(NOT_HERE) <= set(SHOWN)


@pytest.mark.parametrize("command", [one for one in SHOWN if one not in NOT_HERE])
def test_a_command_runs(command: str, scene: tuple[Path, str]) -> None:
    folder, alert = scene
    (folder / "mozu.yaml").unlink(missing_ok=True)  # `mozu import` overwrites nothing
    values = {"FILE": "junit.xml" if "test" in command else "monday.jsonl.gz", "ID": json.loads(alert)["uuid"]}
    given = [re.sub(r"^/etc/\w+/", "", values.get(word, word)) for word in words(command)[1:] if word not in OPTIONAL]
    if given[0] in ("replay", "why") and "-r" not in given and "--act" not in given:
        given += ["-r", CONFIGURED]

    done = mozu(folder / "tested" if given[0] == "test" else folder, *given, stdin=alert)

    assert done.returncode == 0, done.stderr
    assert done.stdout or given[0] == "import"
