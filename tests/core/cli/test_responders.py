"""`mozu responders`: the switch, the list, and acts that cannot be undone."""

import json
from pathlib import Path

import pytest

from mozu.core.cli.main import invoke
from mozu.core.respond.act_records import AUDIT_FILE
from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog
from mozu.core.respond.responses import OFF_FILE


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    path = tmp_path / "mozu.yaml"
    entries = {"state_dir": str(tmp_path / "state"), "sources": ["ebpf"], "sinks": ["stdout"], "responders": ["stop"]}
    path.write_text(json.dumps(entries))
    return path


def test_off_and_on_make_and_remove_the_file(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = configured.parent / "state" / OFF_FILE
    seen = []
    for name in ("off", "on"):
        assert invoke(["responders", name, "-c", str(configured)]) == 0
        seen.append(file.exists())
    assert seen == [True, False]
    assert capsys.readouterr().out == "responses are switched off\nresponses are switched on\n"


def test_acts_that_last_are_listed_and_all_entries_with_log(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AuditLog(configured.parent / "state" / AUDIT_FILE)
    log.append(AuditEntry(time=1, stage=ActStage.DONE, act="a/stop", rule="R", text="stop process 7 (x)", lasts=True))
    log.append(AuditEntry(time=2, stage=ActStage.DONE, act="b/kill", rule="R", text="kill process 8 (y)"))
    log.close()
    assert invoke(["responders", "list", "-c", str(configured)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert invoke(["responders", "list", "--log", "-c", str(configured)]) == 0
    whole = capsys.readouterr().out.splitlines()
    assert listed == ["1970-01-01T00:00:00Z a/stop done: stop process 7 (x) (R)"]
    assert len(whole) == 2


@pytest.mark.parametrize("arguments", [(), ("--log",)])
def test_an_empty_list_says_what_it_means(
    configured: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert invoke(["responders", "list", *arguments, "-c", str(configured)]) == 0
    done = capsys.readouterr()
    assert invoke(["responders", "list", *arguments, "-c", str(configured), "-o", "responders=[]"]) == 0
    none = capsys.readouterr()
    assert (done.out, none.out) == ("", "")
    assert done.err.startswith("configured: stop; mozu has done nothing")
    assert "no responder is configured" in none.err
    assert "add one to `responders`" in none.err


def test_a_log_that_was_changed_is_said_to_be(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(configured.parent / "state" / AUDIT_FILE)
    for number in range(2):
        log.append(AuditEntry(time=number, stage=ActStage.WOULD, act=f"{number}/stop", text="stop"))
    log.close()
    log.path.write_text(log.path.read_text().replace("stop", "skip"))
    assert invoke(["responders", "list", "-c", str(configured)]) == 1
    assert "line 2 does not follow" in capsys.readouterr().err


def test_undo_of_what_does_not_last_says_where_to_look(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["responders", "undo", "nothing", "-c", str(configured)]) != 0
    assert "no act that lasts begins with 'nothing'" in capsys.readouterr().err


def test_undo_writes_an_entry(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(configured.parent / "state" / AUDIT_FILE)
    log.append(AuditEntry(time=1, stage=ActStage.DONE, act="a/stop", text="stop process 7 (x)", lasts=True))
    assert invoke(["responders", "undo", "a/st", "-c", str(configured)]) == 0
    assert [one.stage for one in log.new()] == [ActStage.DONE, ActStage.UNDONE]
    log.close()
    assert capsys.readouterr().out == "undone: stop process 7 (x)\n"
