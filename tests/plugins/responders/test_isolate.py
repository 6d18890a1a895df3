"""`isolate` cuts a network namespace, or a user, off, and undoes it: real packets, in namespaces of the test's own."""

import asyncio
import subprocess
import sys
from typing import Final

import pytest

from mozu.core.testing import check_declaration
from mozu.plugins.responders.isolate import mozu_components
from tests.support.requirements import program, root

PRELUDE: Final = """
import asyncio, atexit, os, socket, subprocess, sys, tempfile
from pathlib import Path
from mozu.core.api import AlertProcess, Container, Incident
from mozu.core.common.cgroup_control import ControlledCgroup
from mozu.core.respond.targets import HeldProcess
from mozu.core.testing import alert, context
from mozu.plugins.responders import isolate
from mozu.plugins.responders.isolate import IsolateResponder, IsolateSettings

SEND = '''
import os, socket, sys
os.setuid(int(sys.argv[1]))
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def sent(address):
    try:
        link.sendto(b"x", (address, 9))
    except PermissionError:
        return False
    return True
print([sent(one) for one in ("127.0.0.1", "192.0.2.9", "192.0.2.200")])
'''
LINK = "ip link set lo up; ip link add d0 type bridge; ip addr add 192.0.2.1/24 dev d0; ip link set d0 up"
responder = IsolateResponder(IsolateSettings.model_validate({"allow": ["192.0.2.128/25"]}), context("isolate"))
incident_alert = alert()
incident_alert.id = "an-id"
"""
USER: Final = """
subprocess.run(["sh", "-c", LINK], check=True)
def seen(user):
    return subprocess.run([sys.executable, "-c", SEND, str(user)], capture_output=True, text=True, check=True).stdout
incident = Incident(incident_alert, AlertProcess(os.getpid(), uid=4711))
plan = responder.plan(incident)
print(seen(4711), end="")
asyncio.run(responder.act(incident, plan, []))
print(seen(4711), seen(4712), sep="", end="")
asyncio.run(responder.undo(plan.detail, []))
asyncio.run(responder.undo(plan.detail, []))
print(seen(4711), end="")
print(responder.plan(Incident(incident_alert, AlertProcess(os.getpid(), uid=0))))
"""
CONTAINER: Final = """
begin = ["unshare", "--net", "sh", "-c", LINK + "; echo up; exec sleep 600"]
member = subprocess.Popen(begin, stdout=subprocess.PIPE, text=True)
atexit.register(member.kill)
member.stdout.readline()
def seen():
    inside = ["nsenter", f"--net=/proc/{member.pid}/ns/net", sys.executable, "-c", SEND, "0"]
    return subprocess.run(inside, capture_output=True, text=True, check=True).stdout
held = HeldProcess(member.pid)
incident = Incident(incident_alert, AlertProcess(member.pid, container=Container("ab" * 32, "docker")))
plan = responder.plan(incident)
print(seen(), end="")
asyncio.run(responder.act(incident, plan, [held]))
print(seen(), end="")
asyncio.run(responder.undo(plan.detail, [held]))
print(seen(), end="")
member.kill()
member.wait()
asyncio.run(responder.undo(plan.detail, [held]))
held.close()
member.stdout.close()
"""


HIDDEN: Final = """
cgroup = tempfile.mkdtemp()
begin = ["unshare", "--net", "sh", "-c", LINK + "; echo up; exec sleep 600"]
member = subprocess.Popen(begin, stdout=subprocess.PIPE, text=True)
atexit.register(member.kill)
member.stdout.readline()
begin = ["unshare", "--net", "sh", "-c", "echo up; exec sleep 600"]
hidden = subprocess.Popen(begin, stdout=subprocess.PIPE, text=True)
atexit.register(hidden.kill)
hidden.stdout.readline()
open(cgroup + "/cgroup.procs", "w").write(f"{member.pid}\\n{hidden.pid}\\n")
isolate.controlled_cgroup = lambda cgroups, container: ControlledCgroup(Path(cgroup))
def seen(pid):
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", SEND, "0"]
    return subprocess.run(inside, capture_output=True, text=True, check=True).stdout
held = [HeldProcess(member.pid), HeldProcess(hidden.pid)]
incident = Incident(incident_alert, AlertProcess(hidden.pid, container=Container("ab" * 32, "docker")))
plan = responder.plan(incident)
print(seen(member.pid), end="")
asyncio.run(responder.act(incident, plan, held))
print(seen(member.pid), end="")
enter = ["nsenter", f"--net=/proc/{member.pid}/ns/net", "sh", "-c", "echo up; exec sleep 600"]
later = subprocess.Popen(enter, stdout=subprocess.PIPE, text=True)
atexit.register(later.kill)
later.stdout.readline()
for one in (member, hidden):
    one.kill()
    one.wait()
asyncio.run(responder.undo(plan.detail, []))
print(seen(later.pid), end="")
for one in held:
    one.close()
for one in (member, hidden, later):
    one.stdout.close()
"""


def in_a_namespace(script: str) -> list[str]:
    """Return the lines that the script prints in a network namespace of its own."""
    root("network namespaces are made")
    program("nft")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", PRELUDE + script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components()))


@pytest.mark.live
def test_a_user_reaches_only_what_is_allowed_until_that_is_undone_and_others_are_not_touched() -> None:
    everything, what_is_allowed = "[True, True, True]", "[True, False, True]"
    assert in_a_namespace(USER) == [everything, what_is_allowed, everything, everything, "None"]


@pytest.mark.live
def test_a_container_reaches_only_what_is_allowed_until_that_is_undone() -> None:
    everything, what_is_allowed = "[True, True, True]", "[True, False, True]"
    assert in_a_namespace(CONTAINER) == [everything, what_is_allowed, everything]


@pytest.mark.live
def test_a_process_in_a_namespace_of_its_own_hides_no_other_of_its_container_and_later_processes_are_let_out() -> None:
    everything, what_is_allowed = "[True, True, True]", "[True, False, True]"
    assert in_a_namespace(HIDDEN) == [everything, what_is_allowed, everything]
