"""`tools/commit-messages`: which messages of commits it refuses, and why."""

from pathlib import Path

import pytest

from tests.support.clean import run_clean
from tests.support.requirements import ROOT, program
from tests.tools.test_fetch_rules import git

TOOL = ROOT / "tools/commit-messages"
GOOD = "Sinks are reopened after a rotation\n\nA renamed file kept its descriptor.\n"
pytestmark = pytest.mark.live  # git


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Sinks are reopened\n", "no body"),
        ("Sinks are reopened\n\n# Please enter the message\n", "no body"),
        ("Sinks are reopened\n\nSigned-off-by: A <a@example.org>\n", "no body"),
        ("Sinks are reopened\nA renamed file\n", "second line"),
        ("Sinks are reopened.\n\nA renamed file\n", "full stop"),
        (f"{'x' * 101}\n\nA renamed file\n", "101 characters"),
        ("fixup! Sinks are reopened\n\nA renamed file\n", "squash"),
    ],
)
def test_a_message_is_refused_with_its_reason(message: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "message").write_text(message)

    done = run_clean(TOOL, tmp_path / "message")

    assert done.returncode == 1
    assert reason in done.stderr


def test_a_message_with_subject_and_body_passes(tmp_path: Path) -> None:
    (tmp_path / "message").write_text(f"{GOOD}# Please enter the message\n")

    assert (run_clean(TOOL, tmp_path / "message").returncode, run_clean(TOOL).returncode) == (0, 2)


def test_every_commit_of_a_range_is_checked(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for message in (GOOD, "Without a body", GOOD, "Nor this"):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", message)

    found = [run_clean(program("env"), "-C", tmp_path, TOOL, f"HEAD~{count}..HEAD") for count in (1, 2, 3)]

    assert [done.returncode for done in found] == [1, 1, 1]
    assert [done.stderr.count("no body") for done in found] == [1, 1, 2]
