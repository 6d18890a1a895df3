"""`mozu rules attack`."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from tests.core.cli.command_line import Run

RULES = """
- rule: Editor at work
  desc: d
  condition: evt.type = execve and proc.name = vi
  output: o
  priority: NOTICE
  tags: [T1003, t1059.004, host, mitre_execution]
- rule: Shell at work
  desc: d
  condition: evt.type = execve and proc.name = bash
  output: o
  priority: ERROR
  tags: [T1059.004]
  mozu: {shadow: true}
- rule: Firewall stopped
  desc: d
  condition: evt.type = execve and proc.name = nft
  output: o
  priority: ERROR
  tags: [T1562.004]
- rule: Never at work
  desc: d
  condition: evt.type = execve and proc.name = nc
  output: o
  priority: ERROR
  tags: [T1003, T1190]
  enabled: false
"""
TESTS = """
- rules: [rules.yaml]
- test: vi runs
  event: {evt.type: execve, proc.name: vi}
  match: [Editor at work]
- test: vi runs again
  event: {evt.type: execve, proc.name: vi}
  match: [Editor at work]
- test: bash is no editor
  event: {evt.type: execve, proc.name: ls}
  quiet: [Shell at work]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def _scores(out: str) -> dict[str, tuple[int, str]]:
    layer = orjson.loads(out)
    return {one["techniqueID"]: (one["score"], one["comment"]) for one in layer["techniques"]}


def test_the_score_of_a_technique_is_the_number_of_rules_that_run(run: Run, rules: Path) -> None:
    code, out, err = run("rules", "attack", "-r", rules)

    assert code == 0
    assert _scores(out) == {
        "T1003": (1, "Editor at work"),
        "T1059.004": (2, "Editor at work\nShell at work (shadow)"),
    }
    assert err == "mozu: ATT&CK 19 does not have T1562.004; `--attack-version 18` makes a layer with them\n"


def test_a_layer_of_version_18_has_the_techniques_that_19_replaced(run: Run, rules: Path) -> None:
    _, out, err = run("rules", "attack", "-r", rules, "--attack-version", "18")

    assert _scores(out)["T1562.004"] == (1, "Firewall stopped")
    assert (orjson.loads(out)["versions"]["attack"], err) == ("18", "")


def test_the_layer_has_what_version_4_5_of_the_format_demands(run: Run, tmp_path: Path, rules: Path) -> None:
    for name in (rules, tmp_path / "empty.yaml"):
        if not name.exists():
            name.write_text(RULES.replace("T1", "x"))
        layer: dict[str, Any] = orjson.loads(run("rules", "attack", "-r", name)[1])

        assert layer["versions"] == {"attack": "19", "navigator": "4.9.0", "layer": "4.5"}
        assert layer["domain"] == "enterprise-attack"
        assert layer["name"]
        assert layer["gradient"]["maxValue"] > layer["gradient"]["minValue"]
        assert len(layer["gradient"]["colors"]) >= 2


def test_tests_that_expect_an_alert_count(run: Run, rules: Path) -> None:
    rules.with_name("rules_test.yaml").write_text(TESTS)
    rules.with_name("others_test.yaml").write_text(TESTS.replace("[rules.yaml]", "[others.yaml]"))

    code, out, _ = run("rules", "attack", "-r", rules, "--tests")

    assert code == 0
    assert _scores(out) == {"T1003": (2, "Editor at work: 2"), "T1059.004": (2, "Editor at work: 2")}


def test_a_mistake_in_a_test_is_reported(run: Run, rules: Path) -> None:
    rules.with_name("rules_test.yaml").write_text(TESTS.replace("quiet:", "qiet:"))

    code, _, err = run("rules", "attack", "-r", rules, "--tests")

    assert code == 0
    assert "qiet" in err
    assert "does not count" in err


def test_alerts_count_by_their_tags_or_those_of_their_rule(
    run: Run, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"rule": "Editor at work", "tags": ["T1003"], "source": "syscall"},
        {"alert": {"rule": "Editor at work", "tags": ["T1003"]}},
        {"rule": "Shell at work"},
        {"rule": "Unknown"},
        {"rule": "mozu", "source": "internal", "tags": ["T1003"]},
        ["T1003"],
    ]
    text = b"\n".join([*map(orjson.dumps, lines), b"no JSON", b""])
    file = rules.with_name("alerts.jsonl")
    file.write_bytes(text)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))

    for name in (file, "-"):
        code, out, err = run("rules", "attack", "-r", rules, "--alerts", name)

        assert code == 0
        assert _scores(out) == {"T1003": (2, "Editor at work: 2"), "T1059.004": (1, "Shell at work: 1")}
        assert orjson.loads(out)["description"].startswith("4 alerts.")
        assert err.startswith("mozu: 3 lines are no alerts of rules")
        assert "1 alerts have no tag with a technique" in err


def test_a_file_that_cannot_be_read_and_two_layers_at_once_are_refused(run: Run, rules: Path) -> None:
    code, _, err = run("rules", "attack", "-r", rules, "--alerts", rules.with_name("none"))
    assert code != 0
    assert "none cannot be read: No such file" in err

    code, _, err = run("rules", "attack", "-r", rules, "--alerts", "-", "--tests")
    assert code != 0
    assert "--tests and --alerts" in err
