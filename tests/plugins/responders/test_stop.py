"""`stop` stops a process, and lets it go on."""

import asyncio
import subprocess

from mozu.core.respond.targets import HeldProcess
from mozu.core.testing import check_declaration, context
from mozu.plugins.responders.stop import StopResponder, StopSettings, mozu_components
from tests.plugins.responders.acting import incident_of


def state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components()))


def test_a_process_is_stopped_and_goes_on() -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        responder = StopResponder(StopSettings(), context("stop"))
        incident, held = incident_of(process.pid), HeldProcess(process.pid)
        plan = responder.plan(incident)
        assert plan is not None
        assert plan.lasts
        asyncio.run(responder.act(incident, plan, [held]))
        while state(process.pid) != "T":
            pass
        asyncio.run(responder.undo(plan.detail, [held]))
        held.close()
        assert process.communicate(b"goes on")[0] == b"goes on"


def test_undo_of_processes_that_have_ended_is_nothing() -> None:
    asyncio.run(StopResponder(StopSettings(), context("stop")).undo({}, []))
