"""Acts and recordings as tests of rules."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.rule_tests.suites import kinds, messages, run
from tests.support.acts import families
from tests.support.requirements import ROOT
from tests.support.tracing import environment, ordinary, place

RULES = """
- rule: Note read
  desc: A note was read.
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.filename = note and proc.name = cat
  output: a note was read (file=%fd.name by=%proc.name user=%user.name)
  priority: NOTICE
- rule: Note written
  desc: A note was written.
  condition: evt.type in (open, openat) and evt.is_open_write = true and fd.filename = note
  output: a note was written (by=%proc.name)
  priority: NOTICE
"""
ACT = "[sh, -c, 'echo x > note; cat note note']"


@pytest.mark.live  # traces processes
def test_an_act_is_judged_as_its_events_are_in_a_run(tmp_path: Path) -> None:
    tests = f"""
- test: reads and writes
  run: {ACT}
  match: {{Note read: 2, Note written: 1}}
- test: what it says
  run: {ACT}
  match: Note read
  output: by=cat
  fields: {{proc.name: cat, fd.type: file}}
"""
    tests = tests.replace(", fd.type: file", "")
    outcomes, coverage = run(tmp_path, RULES, tests)
    assert kinds(outcomes) == {"reads and writes": "passed", "what it says": "passed"}, messages(outcomes, tmp_path)
    assert coverage.rules == {"Note read": True, "Note written": True}
    assert {arm.text for arm in coverage.arms if not arm.is_covered} == {"fd.filename = note", "proc.name = cat"}
    assert not (tmp_path / "note").exists()


@pytest.mark.live  # traces processes
def test_what_an_act_did_not_do_is_explained_by_the_nearest_event(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, RULES, "- test: a\n  run: sh -c 'echo x > note; sed p note'\n  match: Note read\n")
    (text,) = messages(outcomes, tmp_path)
    first, second = text.split("\n")
    assert first == "my_test.yaml:3:10: `Note read` should match, and stayed quiet"
    assert second == "the nearest was openat: `proc.name = cat` is false (proc.name is `sed`) [my.yaml:4]"


@pytest.mark.live  # traces processes
def test_a_command_that_cannot_be_run_is_an_error_of_the_test(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, RULES, "- test: a\n  run: there-is-no-such-program x\n  quiet: Note read\n")
    assert kinds(outcomes) == {"a": "error"}
    assert "`there-is-no-such-program x` could not be run" in messages(outcomes, tmp_path)[0]


@pytest.mark.ebpf
def test_an_act_under_ebpf_is_reported_from_what_else_happens(tmp_path: Path) -> None:
    tests = f"- test: a\n  run: {ACT}\n  under: ebpf\n  match: {{Note read: 2, Note written: 1}}\n"
    before = Path(tmp_path, "note")
    before.write_text("x")
    outcomes, _ = run(tmp_path, RULES, tests)
    assert kinds(outcomes) == {"a": "passed"}, messages(outcomes, tmp_path)


@pytest.mark.ebpf
def test_a_program_whose_creators_have_ended_has_the_parent_that_took_it_over(tmp_path: Path) -> None:
    """Check a case like the first process of a container, which its shim takes over."""
    rounds = 5
    rules = (
        "- rule: Of its reaper\n  desc: d\n  output: o\n  priority: INFO\n  condition: evt.type = execve and"
        " proc.name = true and proc.pcmdline contains families and proc.cmdline = true\n"
    )
    path = f"import sys; sys.path[:0] = ['{ROOT}', '{ROOT}/src']"
    script = f"{path}; from tests.support.acts import families; families.main({rounds})"
    act = json.dumps([sys.executable, "-c", script])
    tests = f"- test: a\n  run: {act}\n  under: ebpf\n  match: {{Of its reaper: {rounds * len(families.SHAPES)}}}\n"
    outcomes, _ = run(tmp_path, rules, tests)
    assert kinds(outcomes) == {"a": "passed"}, messages(outcomes, tmp_path)


@pytest.mark.live  # as another user
@pytest.mark.parametrize(("under", "said"), [("ptrace", "1 passed in "), ("ebpf", "1 skipped in ")])
def test_without_privileges_acts_run_under_ptrace_and_are_skipped_under_ebpf(under: str, said: str) -> None:
    drop, interpreter = ordinary()
    with place() as home:
        (home / "my.yaml").write_text(RULES)
        (home / "my_test.yaml").write_text(f"- test: a\n  run: {ACT}\n  match: Note read\n")
        done = subprocess.run(
            [*drop, interpreter, "-m", "mozu", "test", "--under", under, "."], cwd=home, env=environment(home),
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.live  # traces processes
def test_a_recording_of_mozu_is_judged_as_what_it_recorded(tmp_path: Path) -> None:
    recording = tmp_path / "act.jsonl.gz"
    command = ["trace", "--record", str(recording), "--", "sh", "-c", "echo x > note; cat note"]
    subprocess.run([sys.executable, "-m", "mozu", *command], cwd=tmp_path, env=environment(tmp_path), check=True)
    (tmp_path / "note").unlink()
    tests = "- test: a\n  recording: act.jsonl.gz\n  match: {Note read: 1, Note written: 1}\n"
    outcomes, _ = run(tmp_path, RULES, tests)
    assert kinds(outcomes) == {"a": "passed"}, messages(outcomes, tmp_path)


def test_a_capture_is_judged_with_the_alerts_that_it_has(tmp_path: Path) -> None:
    folder = ROOT / "tests/data/oracle"
    capture, rules = folder / "aname-index.scap", folder / "aname-index.rules.yaml"
    expected = (folder / "aname-index.expected.jsonl").read_text().splitlines()
    count = sum('"rule": "r08"' in line for line in expected)
    assert count
    (tmp_path / "capture.scap").write_bytes(capture.read_bytes())
    tests = "".join(
        f"- test: {name}\n  recording: capture.scap\n  match: {{r08: {number}}}\n"
        for name, number in (("a", count), ("b", count + 1))
    )
    outcomes, _ = run(tmp_path, rules.read_text(), tests)
    assert kinds(outcomes) == {"a": "passed", "b": "failed"}, messages(outcomes, tmp_path)
    assert messages(outcomes[1:], tmp_path) == [
        f"my_test.yaml:6:11: `r08` should match {count + 1} times, and matched {count} times"
    ]


def test_a_recording_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, RULES, "- test: a\n  recording: none.scap\n  quiet: Note read\n")
    assert messages(outcomes, tmp_path) == ["my_test.yaml:1:3: the recording none.scap does not exist"]


@pytest.mark.parametrize("under", ["ptrace", pytest.param("ebpf", marks=pytest.mark.ebpf)])
@pytest.mark.live  # traces processes
def test_a_command_that_does_not_end_is_ended_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, under: str
) -> None:
    monkeypatch.setattr("mozu.core.rule_tests.live_run.SECONDS", 1.0)
    tests = (
        f"- test: a\n  run: sh -c 'echo $$ > {tmp_path}/pid; exec sleep 100'\n  under: {under}\n  quiet: Note read\n"
    )
    outcomes, _ = run(tmp_path, RULES, tests)
    (text,) = messages(outcomes, tmp_path)
    assert "did not end within 1 s" in text
    pid = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
