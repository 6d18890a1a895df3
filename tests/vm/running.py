"""Steps in a virtual machine that try the installed mozu."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.vm.service import (
    HERE,
    Failed,
    alerts,
    configured,
    cpu_weight,
    programs,
    properties,
    run,
    said_in_this_boot,
    until,
    watching,
)

ALERT: Final = "Password database read by an unexpected program"
CALLS: Final = 10_000
"""Number of calls made while mozu does not read; its ring buffer holds fewer."""
_SITE: Final = Path("/usr/local/lib/mozu/site-packages")
_CAPABILITIES: Final = """\
[Service]
AmbientCapabilities=CAP_KILL
CapabilityBoundingSet=CAP_KILL
"""
_CONFIGURATION: Final = """
plugins: [blocker]
sources:
  - syscalls: {source: {ebpf: {ring_size: 262144}}}
sinks:
  - blocker:
      route: {rules: [Block]}
responders:
  - kill: {rules: [Trap], dry_run: false}
"""
_RULE: Final = """
- rule: {name}
  desc: For a step.
  condition: {condition}
  output: "%proc.pid %fd.name"
  priority: NOTICE
"""
_CONDITIONS: Final = {
    "Trap": f"evt.type in (open, openat) and fd.name = {HERE}/VM-TRAP",
    "Block": f"evt.type in (open, openat) and fd.name = {HERE}/VM-BLOCK",
    "Calls": "evt.type = getppid and proc.args contains VM-CALLS",
}
_TRAPPED: Final = f"import time; open('{HERE}/VM-TRAP'); time.sleep(3600)"  # until it is killed
_CALLER: Final = f"input(); import os; [os.getppid() for _ in range({CALLS})]; print('made', flush=True); input()"


def alert() -> dict[str, Any]:
    """Read the password database: an alert with fields reaches the journal. Opens have their kernel filter."""
    ready = watching()
    before = len(alerts(ALERT))

    def raised() -> list[dict[str, Any]]:
        run("cat", "/etc/shadow")  # each time: after a start an emulated machine is so busy that opens are lost
        return alerts(ALERT)[before:]

    found = until("an alert in the journal", raised)[0]
    expected = {"MOZU_PROC_NAME": "cat", "MOZU_FD_NAME": "/etc/shadow", "SYSLOG_IDENTIFIER": "mozu"}
    if {name: found.get(name) for name in expected} != expected:
        raise Failed(f"the alert has other fields than {expected}: {found}")
    if refused := [line for line in said_in_this_boot() if "no kernel filter" in line]:
        raise Failed(f"the kernel refuses a filter: {refused}")
    return {
        "ready after boot": round(ready, 1), "fields": len(found), "cpu weight": cpu_weight(), "programs": programs(),
    }  # fmt: skip


def acts() -> dict[str, Any]:
    """Perform an act of every family by every way (acts.py)."""
    found = _reported_by("acts")
    if found["unseen"]:
        raise Failed(f"no alert of {found['unseen']}")
    return {"seen": found["seen"]}


def kernel_acts() -> dict[str, Any]:
    """Load modules and another kernel, and let the kernel start programs, each with the rule that ships
    (kernel_acts.py).
    """
    found = _reported_by("kernel_acts")
    if found["unseen"]:
        raise Failed(f"no alert of {found['unseen']}")
    return {"seen": found["seen"]}


def denials() -> dict[str, Any]:
    """Try opens, execs, connects and datagrams under deny rules (denials.py)."""
    found = _reported_by("denials")
    if found["wrong"]:
        raise Failed(f"these ended otherwise than they should: {found['wrong']}")
    return {"acts": found["acts"], "prices": found["prices"]}


def _reported_by(name: str) -> dict[str, Any]:
    """Return the line of JSON that a module beside this one prints, run with mozu's Python; warnings may follow it."""
    said = run("/usr/lib/mozu/bin/python3", "-m", f"tests.vm.{name}").splitlines()
    found: dict[str, Any] = json.loads(next(line for line in reversed(said) if line.startswith("{")))
    return found


def configure() -> dict[str, Any]:
    """Put in force, by one restart, the configuration that the steps `respond`, `loss` and `watchdog` need."""
    info = _SITE / "blocker-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blocker\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mozu]\nblocker = blocker\n")
    (_SITE / "blocker.py").write_bytes((HERE / "tests/vm/blocker.py").read_bytes())
    (HERE / "VM-TRAP").touch()
    rules = (_RULE.format(name=name, condition=condition) for name, condition in _CONDITIONS.items())
    configured(_CONFIGURATION, "".join(rules), _CAPABILITIES)
    return {"programs": programs()}


def respond() -> dict[str, Any]:
    """Let the responder `kill`, with the one capability more that it needs, end a process of root."""
    with subprocess.Popen([sys.executable, "-c", _TRAPPED]) as trapped:
        until("the process is ended", lambda: trapped.poll() is not None)
    if trapped.returncode != -signal.SIGKILL:
        raise Failed(f"the process ended with {trapped.returncode}, expected SIGKILL")
    reported = until("Response taken", lambda: alerts("Response taken"))[-1]
    return {"reported": reported["MESSAGE"]}


def loss() -> dict[str, Any]:
    """Make more calls than the ring buffer holds while mozu does not read: each is an alert or counted as lost."""
    command = [sys.executable, "-c", _CALLER, "VM-CALLS"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdin is not None
        assert caller.stdout is not None
        mozu = int(properties("MainPID")["MainPID"])
        os.kill(mozu, signal.SIGSTOP)
        print(file=caller.stdin, flush=True)
        caller.stdout.readline()
        os.kill(mozu, signal.SIGCONT)
        until("as many alerts and losses as calls", lambda: len(alerts("Calls")) + _lost("getppid") >= CALLS)
        print(file=caller.stdin, flush=True)
    lost, seen = _lost("getppid"), len(alerts("Calls"))
    if not lost or lost + seen != CALLS:
        raise Failed(f"{CALLS} calls, {seen} alerts, {lost} reported as lost")
    return {"calls": CALLS, "alerts": seen, "reported as lost": lost}


def _lost(kind: str) -> int:
    found = (re.search(rf"\b{kind} (\d+)", one["MESSAGE"]) for one in alerts("Events lost"))
    return sum(int(match[1]) for match in found if match)


def watchdog() -> dict[str, Any]:
    """Block the event loop: systemd ends mozu and starts it again, and an alert reports it."""
    before = properties("MainPID")["MainPID"]
    (HERE / "VM-BLOCK").touch()
    blocked = float(Path("/proc/uptime").read_text().split()[0])
    until("a new process", lambda: properties("MainPID")["MainPID"] not in ("0", before))
    ready = watching()
    names = ("ActiveExitTimestampMonotonic", "ExecMainStartTimestampMonotonic", "NRestarts")
    found = properties(*names)
    ended, started = (int(found[name]) / 1e6 for name in names[:2])
    reported = until("mozu ended without a word", lambda: alerts("mozu ended without a word"))[-1]
    return {
        "ended after s": round(ended - blocked, 1), "started again after s": round(started - ended, 2),
        "watching again after s": round(ready - ended, 2), "restarts": found["NRestarts"],
        "reported": reported["MESSAGE"],
    }  # fmt: skip


def refused() -> dict[str, Any]:
    """Return the sentence of `mozu run --check` on a kernel below the floor. Raises Failed if there is none."""
    said = run("/usr/bin/mozu", "run", "--check", check=False)
    line = next((line for line in said.splitlines() if "ebpf cannot" in line or "mozu needs Linux" in line), None)
    if line is None:
        raise Failed(f"no sentence about this kernel: {said}")
    return {"said": line}
