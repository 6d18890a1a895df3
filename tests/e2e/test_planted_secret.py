"""Secrets in a command line, an environment and a URL reach no sink, no spool, no log, no statistics."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from mozu.core.delivery.encode import FORMATS
from tests.delivery.destinations import webhook
from tests.support.requirements import ebpf
from tests.support.running import Json, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(180)]

SECRETS = {
    "password": "correct-horse-battery",
    "token": "tokenvalue0123456789abcdef",
    "url": "urlvalue9876543210fedcba",
}
RULES = """
- rule: A marked program runs
  desc: For the test.
  condition: spawned_process and proc.env contains "MARK=planted"
  output: "%proc.cmdline | %proc.exeline | %proc.pcmdline | %proc.env | %evt.args | %proc.args"
  priority: WARNING
  tags: [mitre_execution]
- macro: spawned_process
  condition: evt.type in (execve, execveat)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def statistics(folder: Path) -> Json:
    """Return the statistics of a run that saw the program; all files that it wrote are below the folder."""
    ebpf()
    (folder / "rules.yaml").write_text(RULES)
    out, spool = folder / "out", folder / "spool"
    out.mkdir()
    sinks: list[Json] = [{"stdout": {"format": "json"}}]
    for name in sorted(FORMATS):
        where = {"id": name, "path": str(out / name), "format": name}
        sinks.append({"file": {**where, "spool": {"path": str(spool / f"{name}.db")}}})
    with webhook() as hook:
        refused = {"url": "http://127.0.0.1:1/", "allow_private": True, "retry": {"longest": 60}}
        sinks.append({"webhook": {**hook.settings, "id": "hook", "format": "json"}})
        sinks.append({"webhook": {**refused, "id": "kept", "spool": {"path": str(spool / "kept.db")}}})
        config = folder / "mozu.yaml"
        config.write_text(json.dumps({"sinks": sinks, "stop_deadline": 3}))
        arguments = ("-v", "-c", str(config), "-r", str(folder / "rules.yaml"))
        with mozu_run(folder, *arguments) as mozu:
            subprocess.run(
                [
                    *("/bin/true", f"--password={SECRETS['password']}"),
                    f"https://example.test/hook?access_token={SECRETS['url']}",
                ],
                env={**os.environ, "MARK": "planted", "API_TOKEN": SECRETS["token"]},
                check=True,
            )
            alert = mozu.wait_alert(lambda a: a["rule"] == "A marked program runs", "the alert")
            found = mozu.stop()
        (out / "stdout").write_text(json.dumps(mozu.alerts))
        (out / "log").write_text("\n".join(mozu.log))
        (out / "hook").write_bytes(b"\n".join(json.dumps(d).encode() for d in hook.documents()))
    assert "MARK=planted" in alert["output"]
    return found


def test_the_alert_is_everywhere_and_the_secrets_are_nowhere(folder: Path, statistics: Json) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    marks = b"planted", b"A marked program runs"  # compact has the rule and the program, and not the output
    held = {
        path.name
        for path in files
        if path.name != "rules.yaml" and any(mark in path.read_bytes() for mark in marks)
    }
    assert {*FORMATS, "stdout", "hook"} <= held
    assert held & {"kept.db", "kept.db-wal"}
    for path in files:
        raw = path.read_bytes()
        assert [] == [name for name, secret in SECRETS.items() if secret.encode() in raw], path


def test_what_was_hidden_is_counted(statistics: Json) -> None:
    counted = {m["labels"]["pattern"]: m["value"] for m in statistics["metrics"] if m["name"] == "redactions_total"}
    assert sum(counted.values()) >= len(SECRETS)
