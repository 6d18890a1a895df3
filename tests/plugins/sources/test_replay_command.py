"""`mozu replay` from the outside."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli import invoke
from tests.oracle.capture import Capture

CONTAINER = "a" * 64
RULES = """
- rule: Opened
  desc: a file was opened in a container
  condition: evt.type = openat and container.name = web
  output: "n=%evt.num file=%fd.name container=%container.name user=%user.name process=%proc.name"
  priority: NOTICE
"""


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    record = f'{{"container":{{"id":"{CONTAINER[:12]}","full_id":"{CONTAINER}","name":"web"}}}}\0'.encode()
    recording = Capture().process(5, "nginx", cgroups=(f"cpu=/docker/{CONTAINER}",), cwd="/srv/").process(6, "bash")
    recording.event("asyncevent", -1, 0, "container", record)
    recording.event("openat", 5, 3, -100, "page", 1, 0, 0, 1).event("openat", 6, 3, -100, "/x", 1, 0, 0, 1)
    path = tmp_path / "web.scap"
    path.write_bytes(recording.raw())
    (tmp_path / "rules.yaml").write_text(RULES)
    return path


def replay(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the alerts and the exit status."""
    command = [sys.executable, "-m", "mozu", "replay", str(path), "-r", str(path.with_name("rules.yaml")), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_alerts_of_a_recording_know_its_containers_and_processes(capture: Path) -> None:
    alerts, status = replay(capture)
    messages = [alert["output"].partition("Notice ")[2] for alert in alerts]
    assert (messages, status) == (["n=2 file=/srv/page container=web user=root process=nginx"], 0)


def test_the_same_recording_raises_alerts_with_the_same_ids(capture: Path) -> None:
    first, second = replay(capture), replay(capture)
    assert [alert["uuid"] for alert in first[0]] == [alert["uuid"] for alert in second[0]]


def test_a_damaged_recording_gives_its_alerts_and_fails(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    alerts, status = replay(capture)
    assert (["syscall", "internal"], 1) == ([alert["source"] for alert in alerts], status)
    assert "Source failed" == alerts[-1]["rule"]


@pytest.mark.parametrize("line", [
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","verb":"create"}',
    '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}',
])  # fmt: skip
def test_an_audit_log_of_kubernetes_is_refused_with_what_to_use_instead(
    tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "audit.log"
    log.write_text(f"{line}\n" * 3)
    assert 1 == invoke(["replay", str(log)])
    said = capsys.readouterr().err
    assert f"{log} is an audit log of Kubernetes" in said
    assert "read it with the source `k8s_audit` and `files` (docs/operate/k8s-audit.md)" in said
