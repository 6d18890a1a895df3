"""`kill` ends the process that it is given."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from mozu.core.api import Incident, Scope
from mozu.core.respond.targets import HeldProcess
from mozu.core.testing import alert, check_declaration, context
from mozu.plugins.responders.kill import KillResponder, KillSettings, mozu_components
from tests.plugins.responders.acting import incident_of


def responder(**settings: object) -> KillResponder:
    return KillResponder(KillSettings.model_validate(settings), context("kill"))


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components()))


def test_a_process_is_killed() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        incident, held = incident_of(process.pid), HeldProcess(process.pid)
        plan = responder().plan(incident)
        assert plan is not None
        assert (plan.text, plan.scope, plan.lasts) == (f"kill process {process.pid} (sleep)", Scope.SHARERS, False)
        asyncio.run(responder().act(incident, plan, [held]))
        assert process.wait() == -signal.SIGKILL
        with pytest.raises(ProcessLookupError):
            asyncio.run(responder().act(incident, plan, [held]))
        held.close()


def test_without_a_process_there_is_nothing_to_kill() -> None:
    assert responder(what="group").plan(Incident(alert())) is None


def test_a_kill_that_was_broken_off_leaves_no_cgroup_frozen(tmp_path: Path) -> None:
    state = tmp_path / "freezer.state"
    state.write_text("FROZEN")
    asyncio.run(responder(what="container").undo({"cgroup": str(tmp_path)}, []))
    assert state.read_text() == "THAWED"
