"""What is done in a virtual machine, by its unit vm.service, as root: `python3 -m tests.vm.guest`.

/root/vm/plan has a line for each boot, with the names of its steps; a boot takes the first line and ends with a reboot,
the last one with the machine. Each step prints one line of JSON on standard output, the second serial port: what it
found, or why it failed, which ends the machine.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE: Final = Path("/root/vm")
PATIENCE: Final = 900.0
"""Seconds that a condition may take to be met; everything is emulated."""
ALERT: Final = "Password database read by an unexpected program"
RULES: Final = Path("/etc/mozu/rules.d/vm.yaml")
BACKLOG: Final = 1000
"""Alerts that wait while mozu is upgraded."""
_PORT: Final = 9099
_SITE: Final = Path("/usr/local/lib/mozu/site-packages")
_KEPT: Final = ("/etc/mozu/mozu.yaml", "/etc/mozu/rules.enabled", "/var/lib/mozu", "/var/log/mozu")
_PURGED: Final = ("/etc/mozu", "/var/lib/mozu", "/var/log/mozu", "/var/cache/mozu")
_OPENED: Final = """
- rule: Backlog
  desc: An alert that waits for a destination that is not there.
  condition: evt.type in (open, openat) and fd.name startswith /root/vm/backlog/
  output: "%fd.name"
  priority: NOTICE
"""
_AWAY: Final = f"""
sinks:
  - webhook:
      url: http://127.0.0.1:{_PORT}/
      batch: ndjson
      allow_private: true
      spool: true
      retry: {{first: 0.2, longest: 1}}
"""
_BLOCK: Final = """
plugins: [blocker]
sinks:
  - blocker:
      route: {rules: [Block]}
"""
_BLOCKS: Final = """
- rule: Block
  desc: The sink blocker holds the event loop when it gets this.
  condition: evt.type in (open, openat) and fd.name = /root/vm/VM-BLOCK
  output: "%fd.name"
  priority: NOTICE
"""


class Failed(Exception):
    """What a step expected and did not find."""


def run(*command: str, check: bool = True) -> str:
    """Its standard output and error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if check and done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {said[-2000:]}")
    return said


def until(what: str, met: Callable[[], Any]) -> Any:
    """What `met` gives once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := met()):
        if time.monotonic() > deadline:
            raise Failed(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.2)
    return found


def properties(*names: str) -> dict[str, str]:
    """Of mozu.service."""
    lines = run("systemctl", "show", "mozu.service", *(f"--property={name}" for name in names)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def watching() -> float:
    """Wait until mozu is ready; gives when that was, in seconds since the boot."""
    until("mozu.service is active", lambda: run("systemctl", "is-active", "mozu.service", check=False) == "active\n")
    return int(properties("ActiveEnterTimestampMonotonic")["ActiveEnterTimestampMonotonic"]) / 1e6


def alerts(rule: str, boot: str = "0") -> list[dict[str, Any]]:
    """Of the journal of a boot."""
    said = run("journalctl", "-t", "mozu", "-b", boot, "-o", "json", f"MOZU_RULE={rule}", check=False)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def raised() -> set[str]:
    """Rules with an alert in the journal of this boot."""
    said = run("journalctl", "-t", "mozu", "-b", "-o", "json", "--output-fields=MOZU_RULE", check=False)
    records = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {one["MOZU_RULE"] for one in records if "MOZU_RULE" in one}


def package(version: str) -> str:
    """The file of the package, `new` or `previous`."""
    return str(HERE / f"{version}.deb")


def version() -> str:
    """Of the package that is installed."""
    return run("dpkg-query", "--show", "--showformat=${Version}", "mozu")


def install(which: str = "new") -> dict[str, Any]:
    """The package by its one command."""
    start = time.monotonic()
    run("apt-get", "install", "--yes", package(which))
    seconds = time.monotonic() - start
    watching()
    if (enabled := run("systemctl", "is-enabled", "mozu.service")) != "enabled\n":
        raise Failed(f"mozu.service is {enabled}, expected enabled")
    return {"version": version(), "seconds": round(seconds, 1), "programs": programs()}


def programs() -> str:
    """What mozu-programs.service said of them in this boot."""
    lines = run("journalctl", "-b", "-u", "mozu-programs.service", "-o", "cat", check=False).splitlines()
    return next((line for line in lines if "from the code cache" in line), "mozu-programs.service did not run")


def alert() -> dict[str, Any]:
    """A program reads the password database: an alert in the journal, with fields."""
    ready = watching()
    before = len(alerts(ALERT))
    run("cat", "/etc/shadow")
    found = until("an alert in the journal", lambda: alerts(ALERT)[before:])[0]
    expected = {"MOZU_PROC_NAME": "cat", "MOZU_FD_NAME": "/etc/shadow", "SYSLOG_IDENTIFIER": "mozu"}
    if {name: found.get(name) for name in expected} != expected:
        raise Failed(f"the alert has other fields than {expected}: {found}")
    return {"ready after boot": round(ready, 1), "fields": len(found), "programs": programs()}


def acts() -> dict[str, Any]:
    """One act of every family by every way (acts.py)."""
    said = run("/usr/lib/mozu/bin/python3", "-m", "tests.vm.acts")
    found = json.loads(said.splitlines()[-1])
    if found["unseen"]:
        raise Failed(f"no alert of {found['unseen']}")
    return {"seen": found["seen"]}


def watchdog() -> dict[str, Any]:
    """A blocked event loop: systemd ends mozu and starts it again, and an alert says so."""
    info = _SITE / "blocker-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blocker\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mozu]\nblocker = blocker\n")
    (_SITE / "blocker.py").write_bytes((HERE / "tests/vm/blocker.py").read_bytes())
    configuration = Path("/etc/mozu/config.d/blocker.yaml")
    configuration.write_text(_BLOCK)
    rules = Path("/etc/mozu/rules.d/blocker.yaml")
    rules.write_text(_BLOCKS)
    run("systemctl", "restart", "mozu.service")
    watching()
    before = properties("MainPID")["MainPID"]
    (HERE / "VM-BLOCK").touch()
    blocked = time.monotonic()
    until("a new process", lambda: properties("MainPID")["MainPID"] not in ("0", before))
    ready = watching()
    names = ("ActiveExitTimestampMonotonic", "ExecMainStartTimestampMonotonic", "NRestarts")
    ended, started = (int(properties(name)[name]) / 1e6 for name in names[:2])
    told = until("mozu ended without a word", lambda: alerts("mozu ended without a word"))[-1]
    for file in (configuration, rules, _SITE / "blocker.py"):
        file.unlink()
    run("systemctl", "restart", "mozu.service")
    watching()
    return {
        "ended after s": round(ended - blocked, 1), "started again after s": round(started - ended, 2),
        "watching again after s": round(ready - ended, 2), "restarts": properties("NRestarts")["NRestarts"],
        "told": told["MESSAGE"],
    }  # fmt: skip


def upgrade() -> dict[str, Any]:
    """An upgrade while alerts wait for a destination that is not there: all of them arrive there afterwards."""
    before = version()
    away = Path("/etc/mozu/config.d/away.yaml")
    away.write_text(_AWAY)
    RULES.write_text(_OPENED)
    run("systemctl", "restart", "mozu.service")
    watching()
    place = HERE / "backlog"
    place.mkdir()
    names = {str(place / str(number)) for number in range(BACKLOG)}
    for name in sorted(names):
        Path(name).touch()
    until("they wait in the spool", lambda: _waiting() >= BACKLOG)
    start = time.monotonic()
    run("apt-get", "install", "--yes", package("new"))
    seconds = time.monotonic() - start
    watching()
    waiting = _waiting()
    with subprocess.Popen(
        ["timeout", str(PATIENCE), sys.executable, "-m", "tests.vm.receiver", str(_PORT)],
        stdout=subprocess.PIPE, text=True,
    ) as receiver:  # fmt: skip
        assert receiver.stdout is not None
        arrived: list[dict[str, Any]] = []
        missing, told = set(names), dict[str, str]()
        for line in receiver.stdout:
            arrived.append(one := json.loads(line))
            missing.discard(one["output_fields"].get("fd.name"))
            if one["rule"] == "mozu stopped" or "mozu stopped" in told:
                told.setdefault(one["rule"], one["output"])
            if not missing and "mozu started" in told:
                break
        receiver.terminate()
    if missing:
        raise Failed(f"{len(missing)} of {BACKLOG} alerts did not arrive after the upgrade, {min(missing)} is one")
    if "mozu started" not in told:
        raise Failed(f"the restart was not told: {sorted(told)}")
    opened = [one["output_fields"]["fd.name"] for one in arrived if one["rule"] == "Backlog"]
    away.unlink()
    RULES.unlink()
    return {
        "from": before, "to": version(), "seconds": round(seconds, 1), "waited": waiting, "arrived": len(set(opened)),
        "twice": len(opened) - len(set(opened)), "told": [told["mozu stopped"], told["mozu started"]],
    }  # fmt: skip


def _waiting() -> int:
    rows = json.loads(run("/usr/bin/mozu", "spool", "status", "--json"))
    return int(next(row["waiting"] for row in rows if row["sink"] == "webhook"))


def remove() -> dict[str, Any]:
    """apt remove keeps configuration and state, and says so."""
    said = run("apt-get", "remove", "--yes", "mozu")
    gone = [place for place in _KEPT if not Path(place).exists()]
    if gone or Path("/usr/lib/mozu").exists():
        raise Failed(f"removal took away {gone} or left /usr/lib/mozu")
    if run("systemctl", "is-active", "mozu.service", check=False) == "active\n":
        raise Failed("mozu still runs")
    return {"said": _said(said, "stay; purge removes them")}


def purge() -> dict[str, Any]:
    """apt purge removes both, and says so."""
    said = run("apt-get", "purge", "--yes", "mozu")
    if left := [place for place in _PURGED if Path(place).exists()]:
        raise Failed(f"purge left {left}")
    return {"said": _said(said, "removing /etc/mozu, /var/lib/mozu")}


def _said(output: str, words: str) -> str:
    line = next((line for line in output.splitlines() if line.startswith("mozu: ") and words in line), None)
    if line is None:
        raise Failed(f"nothing was said of what is kept or removed: {output[-1000:]}")
    return line


def refused() -> dict[str, Any]:
    """A kernel below the floor: the sentence of `mozu run --check`, and how the service ended."""
    said = run("/usr/bin/mozu", "run", "--check", check=False)
    line = next((line for line in said.splitlines() if "ebpf cannot" in line or "mozu needs Linux" in line), None)
    if line is None:
        raise Failed(f"no sentence about this kernel: {said}")
    return {"said": line}


STEPS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "install": install,
    "install previous": lambda: install("previous"),
    "alert": alert,
    "acts": acts,
    "watchdog": watchdog,
    "upgrade": upgrade,
    "remove": remove,
    "purge": purge,
    "refused": refused,
}


def main() -> None:
    """The steps of this boot."""
    plan = HERE / "plan"
    (now, *later) = plan.read_text().splitlines()
    plan.write_text("".join(f"{line}\n" for line in later))
    for step in now.split(","):
        start = time.monotonic()
        try:
            found = STEPS[step]()
        except Exception as error:  # noqa: BLE001  whatever it is, the host is told
            log = run("journalctl", "-b", "-u", "mozu", "-u", "mozu-programs", "-n", "60", "--no-pager", check=False)
            tell({"step": step, "failed": f"{type(error).__name__}: {error}", "journal": log})
            later = []
            break
        tell({"step": step, "took": round(time.monotonic() - start, 1), **found})
    run("systemctl", "reboot" if later else "poweroff")


def tell(report: dict[str, Any]) -> None:
    """To the host."""
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
