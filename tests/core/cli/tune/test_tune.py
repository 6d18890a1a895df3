"""`mozu tune`: from alerts to exceptions that are tested and expire."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run
from tests.support.requirements import ROOT

RULES = """\
- rule: Shadow read
  desc: d
  condition: evt.type = openat and fd.name = /etc/shadow
  output: read (file=%fd.name process=%proc.name parent=%proc.pname command=%proc.cmdline user=%user.name)
  priority: NOTICE
- rule: Other
  desc: d
  condition: evt.type = execve
  output: run (process=%proc.name)
  priority: NOTICE
- rule: Blind
  desc: d
  condition: evt.type = openat and fd.name = /etc/group
  output: read (process=%proc.name user=%user.name)
  priority: NOTICE
"""
TESTS = """\
- test: An attacker reads it by a script of the backup
  event: {evt.type: openat, fd.name: /etc/shadow, proc.name: python, proc.pname: backup, user.name: root}
  match: Shadow read
"""


def alert(rule: str, **fields: object) -> dict[str, object]:
    """Return an alert as the format `json` has it."""
    return {"rule": rule, "source": "syscall", "output_fields": {"evt.time": 1, **fields}}


def backup(number: int) -> dict[str, object]:
    """Return an alert about the backup, of which some parts vary."""
    fields = {"fd.name": "/etc/shadow", "proc.name": "tar", "proc.pname": "backup", "user.name": "root"}
    return alert("Shadow read", **fields, **{"proc.cmdline": f'tar -T /tmp/list.{number} "/etc"', "proc.pid": number})


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The options of rules with a test and of an empty local file."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "rules_test.yaml").write_text(TESTS)
    (tmp_path / "local.yaml").write_text("")
    rules, local = str(tmp_path / "rules.yaml"), str(tmp_path / "local.yaml")
    return ["-r", rules, "-r", local, "--to", local]


def written(folder: Path, alerts: Iterable[dict[str, object]]) -> Path:
    """Return a file of these alerts."""
    file = folder / "alerts.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in alerts))
    return file


def test_the_rules_that_raise_most_come_first(tmp_path: Path, run: Run) -> None:
    notice: dict[str, object] = {"rule": "mozu started", "source": "internal", "output_fields": {"pid": 1}}
    file = written(tmp_path, [alert("Other"), notice, *map(backup, range(3))])
    code, out, err = run("tune", file)
    assert 0 == code
    assert ["Shadow read", "Other"] == [line.rsplit(maxsplit=2)[0].strip() for line in out.splitlines()[1:3]]
    assert "4 alerts of 2 rules" in out
    assert "1 lines are no alerts" in err


def test_an_accepted_exception_has_tests_that_pass_and_that_fail_without_it(
    tmp_path: Path, files: list[str], run: Run
) -> None:
    file = written(tmp_path, map(backup, range(20)))
    code, out, _ = run("tune", file, *files, "--rule", "Shadow read")
    assert 0 == code
    assert "1. silences 20 of 20 alerts" in out
    assert 'proc.cmdline glob tar -T /tmp/* "/etc"' in out
    assert "it would silence" not in out

    accept = ("--accept", "1", "--reason", 'our "backup"', "--author", "ana", "--expires", "2020-02-29")
    code, _, err = run("tune", file, *files, "--rule", "Shadow read", *accept)
    assert 0 == code, err
    local, tests = tmp_path / "local.yaml", tmp_path / "local_test.yaml"
    assert 'reason: "our \\"backup\\"", expires: 2020-02-29' in local.read_text()
    assert 0 == run("test", tests)[0]
    code, _, err = run("check", "-o", f'evaluators.falco.rules=["{tmp_path}/rules.yaml", "{local}"]')
    assert f"{local}:3:7: CONFIG_EXPIRED_EXCEPTION: the exception `tuned_" in err
    assert "(author ana) has expired on 2020-02-29" in err

    local.write_text("")
    code, out, _ = run("test", tests)
    assert (1, True) == (code, "1 passed, 1 failed" in out)


def test_an_expired_exception_that_rules_share_is_one_warning(tmp_path: Path, files: list[str], run: Run) -> None:
    shared = tmp_path / "shared.yaml"
    shared.write_text(
        "- exception: backup\n  fields: user.name\n  values: [backup]\n  mozu: {author: ana, expires: 2020-02-29}\n"
        "- rule: Shadow read\n  mozu: {exceptions: [backup]}\n  override: {mozu: append}\n"
    )

    _, _, err = run("check", "-o", f'evaluators.falco.rules=["{tmp_path}/rules.yaml", "{shared}"]')

    assert 1 == err.count("CONFIG_EXPIRED_EXCEPTION")
    assert f"{shared}:1:3: CONFIG_EXPIRED_EXCEPTION: the exception `backup` (author ana) has expired on 2020-" in err


def test_an_exception_is_tested_with_the_lists_from_files_of_the_local_file(
    tmp_path: Path, files: list[str], run: Run
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/bad.txt").write_text("sh\n")
    (tmp_path / "local.yaml").write_text("- list: bad\n  items_from: lists/bad.txt\n")
    file = written(tmp_path, map(backup, range(20)))

    code, _, err = run("tune", file, *files, "--rule", "Shadow read", "--accept", "1", "--reason", "a", "--author", "b")

    assert 0 == code, err


def test_a_test_file_that_is_no_text_is_refused_and_stays(tmp_path: Path, files: list[str], run: Run) -> None:
    tests = tmp_path / "local_test.yaml"
    tests.write_bytes(b"\x7fELF\xd0\x00")
    file = written(tmp_path, map(backup, range(3)))

    code, _, err = run("tune", file, *files, "--rule", "Shadow read", "--accept", "1", "--reason", "r")

    refusal = f"nothing was written: the tests of the exception for the rule 'Shadow read' fail: {tests}"
    assert (1, True) == (code, refusal in err)
    assert (b"\x7fELF\xd0\x00", "") == (tests.read_bytes(), (tmp_path / "local.yaml").read_text())


def test_tests_that_run_commands_are_not_tried_and_their_number_is_printed(
    tmp_path: Path, files: list[str], run: Run
) -> None:
    (tmp_path / "more_test.yaml").write_text("- test: It is read\n  run: cat /etc/shadow\n  match: Shadow read\n")
    file = written(tmp_path, map(backup, range(3)))
    sentence = "not tried: 1 tests of the rule that run commands; `mozu test` runs them"

    assert sentence in run("tune", file, *files, "--rule", "Shadow read")[1]
    assert sentence in run("tune", file, *files, "--rule", "Shadow read", "--accept", "1", "--reason", "r")[1]


def test_files_may_be_named_from_the_current_directory(
    tmp_path: Path, files: list[str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, map(backup, range(3)))
    names = [Path(one).name if one.startswith("/") else one for one in files]

    accept = ("--rule", "Shadow read", "--accept", "1", "--reason", "r")
    code, _, err = run("tune", "alerts.jsonl", *names, *accept)

    assert (0, "") == (code, err)
    assert "Shadow read" in (tmp_path / "local.yaml").read_text()


def test_an_exception_that_silences_a_positive_says_so_and_is_refused(
    tmp_path: Path, files: list[str], run: Run
) -> None:
    various = [
        alert("Shadow read", **{"proc.name": name, "proc.pname": "backup", "user.name": "root"})
        for name in ("tar", "tar", "gzip", "split")
    ]
    file = written(tmp_path, various)
    _, out, _ = run("tune", file, *files, "--rule", "Shadow read")
    assert out.index("1. silences 2 of 4") < out.index("2. silences 4 of 4") < out.index("! it would silence")
    assert f"An attacker reads it by a script of the backup ({tmp_path}/rules_test.yaml:1)" in out

    accept = ("--rule", "Shadow read", "--reason", "r", "--accept", "2")
    code, _, err = run("tune", file, *files, *accept)
    assert (1, True) == (code, "proposal 2 would silence An attacker" in err)
    assert "" == (tmp_path / "local.yaml").read_text()
    assert 0 == run("tune", file, *files, *accept, "--despite-tests")[0]
    assert 1 == run("test", tmp_path / "rules_test.yaml", *files[:4])[0]


def test_an_exception_that_silences_a_recorded_attack_says_so(tmp_path: Path, run: Run) -> None:
    recording, rules = ROOT / "tests/data/oracle/concatenated.scap", tmp_path / "rules.yaml"
    rules.write_text(
        "- rule: Opened\n  desc: d\n  condition: evt.type in (open, openat)\n  priority: NOTICE\n"
        "  output: o (name=%fd.name process=%proc.name)\n"
    )
    alerts = tmp_path / "alerts.jsonl"
    sinks = json.dumps([{"file": {"path": str(alerts), "format": "json"}}])
    assert 0 == run("replay", recording, "-r", rules, "-o", f"sinks={sinks}")[0]
    options = ("tune", alerts, "-r", rules, "--rule", "Opened")
    assert "it would silence" not in run(*options)[1]
    assert f"! it would silence the recording {recording}" in run(*options, "--recording", recording)[1]


def test_tests_of_alerts_with_all_ancestors_load_and_pass(tmp_path: Path, files: list[str], run: Run) -> None:
    fields = {"fd.name": "/etc/shadow", "proc.name": "tar", "proc.pname": "backup", "proc.aname[2]": "cron"}
    file = written(tmp_path, [alert("Shadow read", **fields, **{"proc.aname": "backup,cron"})])
    code, _, err = run("tune", file, *files, "--rule", "Shadow read", "--accept", "1", "--reason", "r")
    assert 0 == code, err
    assert "proc.aname:" not in (tmp_path / "local_test.yaml").read_text()
    assert 0 == run("test", tmp_path / "local_test.yaml")[0]


def test_nothing_is_written_beside_a_test_file_with_which_the_new_tests_fail(
    tmp_path: Path, files: list[str], run: Run
) -> None:
    tests, before = tmp_path / "local_test.yaml", "- given: {proc.aname[1]: cron}\n"
    tests.write_text(before)
    file = written(tmp_path, [backup(1)])
    code, _, err = run("tune", file, *files, "--rule", "Shadow read", "--accept", "1", "--reason", "r")
    assert (1, True) == (code, "nothing was written: the tests of the exception" in err), err
    assert ("", before) == ((tmp_path / "local.yaml").read_text(), tests.read_text())


def test_an_exception_that_cannot_be_tested_is_not_written(tmp_path: Path, files: list[str], run: Run) -> None:
    file = written(tmp_path, [alert("Blind", **{"proc.name": "ls", "user.name": "ana"})])
    code, _, err = run("tune", file, *files, "--rule", "Blind", "--accept", "1", "--reason", "r")
    assert (1, True) == (code, "the exception for the rule 'Blind' cannot be tested" in err)
    assert "" == (tmp_path / "local.yaml").read_text()
    assert not (tmp_path / "local_test.yaml").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--accept", "1"], ["--rule", "Other", "--reason", "r"], ["--rule", "Othr"], ["--rule", "Other", "--accept", "9",
     "--reason", "r"], ["--rule", "Other", "--accept", "1", "--reason", "r", "--expires", "soon"]],
)  # fmt: skip
def test_wrong_usage_is_refused(tmp_path: Path, files: list[str], run: Run, arguments: list[str]) -> None:
    file = written(tmp_path, [alert("Other", **{"proc.name": "a", "user.name": "b"})])
    assert 2 == run("tune", file, *files, *arguments)[0]
