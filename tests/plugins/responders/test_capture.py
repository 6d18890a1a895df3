"""`capture` keeps data of /proc, without parts that may be secret."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from mozu.core.respond.targets import HeldProcess
from mozu.core.testing import check_declaration, context
from mozu.plugins.responders.capture import CaptureResponder, CaptureResponderSettings, mozu_components
from tests.plugins.responders.acting import incident_of


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components()))


def test_descriptors_are_kept_with_hashes_and_the_environment_without_values(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("content")
    with data.open() as file:
        environment = {"TOKEN": "s3cret", "PATH": os.environ["PATH"]}
        command = [sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(60)"]
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, env=environment)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"runs\n"  # its exec has ended, and /proc has all of it
        held, incident = HeldProcess(process.pid), incident_of(process.pid)
        settings = CaptureResponderSettings(directory=tmp_path / "captured")
        responder = CaptureResponder(settings, context("capture"))
        plan = responder.plan(incident)
        assert plan is not None
        asyncio.run(responder.act(incident, plan, [held]))
        held.close()
        process.kill()
    (path,) = (tmp_path / "captured").iterdir()
    text = path.read_text()
    (found,) = json.loads(text)["processes"]
    assert found["descriptors"]["0"]["sha256"] == hashlib.sha256(b"content").hexdigest()
    assert sorted(found["environment"]) == ["PATH", "TOKEN"]
    assert "s3cret" not in text
    assert found["arguments"] == 3
    assert found["exe"]["sha256"] is not None
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_are_below_the_state_directory_of_the_run(tmp_path: Path) -> None:
    incident = incident_of(os.getpid())
    responder = CaptureResponder(CaptureResponderSettings(), context("capture", state_path=tmp_path / "state"))
    plan = responder.plan(incident)
    assert plan is not None
    asyncio.run(responder.act(incident, plan, []))

    (path,) = (tmp_path / "state").iterdir()
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_a_file_that_is_too_large_is_not_hashed(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        held, incident = HeldProcess(process.pid), incident_of(process.pid)
        settings = CaptureResponderSettings(directory=tmp_path, max_hashed=10)
        responder = CaptureResponder(settings, context("capture"))
        plan = responder.plan(incident)
        assert plan is not None
        asyncio.run(responder.act(incident, plan, [held]))
        held.close()
        process.kill()
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["processes"][0]["exe"]["sha256"] is None
