"""Recording and capturing from the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.busy import recording

RULES = """
- rule: Connected
  desc: any
  condition: evt.type = connect
  output: "n=%evt.num rel=%evt.reltime %proc.cmdline %proc.pname %fd.name %user.name"
  priority: NOTICE
  capture: true
  capture_duration: 1
"""
EVENTS = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "busy.scap").write_bytes(recording(EVENTS))
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def replay(folder: Path, *arguments: str) -> tuple[list[dict[str, Any]], int, str]:
    """Return the alerts without the numbers of this run, the exit status, and the error output."""
    command = [sys.executable, "-m", "mozu", "replay", "--json", "-r", "rules.yaml", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    return [{key: alert[key] for key in alert if key != "mozu"} for alert in alerts], done.returncode, done.stderr


def test_parts_replayed_in_order_give_the_alerts_of_the_whole(folder: Path) -> None:
    expected, status, _ = replay(folder, "busy.scap", "--record", "a.jsonl.gz", "-o", "record.size=1")
    parts = [path.name for path in folder.glob("a*.jsonl.gz")]
    parts.sort(key=lambda name: int(name.removeprefix("a").removeprefix("-").removesuffix(".jsonl.gz") or 1))
    found, again, _ = replay(folder, *parts)
    assert (0, 0) == (status, again)
    assert len(parts) > 2
    assert len(expected) > 20
    assert expected == found


def test_a_rule_s_capture_holds_its_alert_and_what_was_before(folder: Path) -> None:
    options = ("-o", "capture.enabled=true", "-o", f"capture.path_prefix={folder}/c")
    alerts, status, said = replay(folder, "busy.scap", *options)
    captures = sorted(folder.glob("c_*.jsonl.gz"))
    found, again, _ = replay(folder, captures[0].name)
    assert (0, 0) == (status, again), said
    assert "rule 'Connected': capturing to " in said
    assert found
    assert found == alerts[: len(found)]


def test_a_recording_that_was_cut_gives_its_alerts_and_fails(folder: Path) -> None:
    expected, _, _ = replay(folder, "busy.scap", "--record", "a.jsonl.gz")
    path = folder / "a.jsonl.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    found, status, said = replay(folder, "a.jsonl.gz")
    assert 1 == status
    assert 1 == said.count(f"recording {path}: the compressed data ends in the middle of a member (at byte ")
    *found, notice = found
    assert ("internal", "Source failed") == (notice["source"], notice["rule"])
    assert 0 < len(found) < len(expected)
    assert found == expected[: len(found)]


def test_a_place_that_cannot_be_written_is_reported_before_anything_begins(folder: Path) -> None:
    alerts, status, said = replay(folder, "busy.scap", "--record", "no/a.jsonl.gz")
    assert ([], 1) == (alerts, status)
    assert f"record.file: {folder}/no/a.jsonl.gz cannot be written, for {folder}/no is no directory: make it" in said
