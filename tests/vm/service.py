"""Helpers for steps in a virtual machine: commands, the service mozu, its alerts in the journal."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE: Final = Path("/root/vm")
PATIENCE: Final = 900.0
"""Seconds that a condition may take to be met; the machine is emulated."""
RULES: Final = Path("/etc/mozu/rules.d/vm.yaml")
CONFIGURATION: Final = Path("/etc/mozu/config.d/vm.yaml")
DROP_IN: Final = Path("/etc/systemd/system/mozu.service.d/vm.conf")
FEW_RULES: Final = """
evaluators:
  - falco: {rules: [/etc/mozu/rules.d]}
"""
"""Configuration without mozu's own rules, which take minutes to load in an emulated machine."""


class Failed(Exception):
    """Failure of a step: the message has the expectation and the result."""


def run(*command: str, check: bool = True) -> str:
    """Return the command's standard output and error. Raises Failed if `check` and it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if check and done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {said[-2000:]}")
    return said


def until(what: str, met: Callable[[], Any]) -> Any:
    """Return the result of `met` once it is true. Raises Failed after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not (found := met()):
        if time.monotonic() > deadline:
            raise Failed(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.2)  # journal and units have no notification of changes
    return found


def properties(*names: str) -> dict[str, str]:
    """Return properties of mozu.service by name."""
    lines = run("systemctl", "show", "mozu.service", *(f"--property={name}" for name in names)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def cpu_weight() -> int:
    """Return the CPU weight of the service's cgroup; systemd has made the controller `cpu` available there."""
    found = int(Path("/sys/fs/cgroup/system.slice/mozu.service/cpu.weight").read_text())
    if found != (asked := int(properties("CPUWeight")["CPUWeight"])) or found <= 100:
        raise Failed(f"the weight of mozu.service is {found}, expected {asked}, more than the default of 100")
    return found


def watching() -> float:
    """Wait until mozu is ready; return the time of that in seconds since the boot."""
    until("mozu.service is active", lambda: run("systemctl", "is-active", "mozu.service", check=False) == "active\n")
    return int(properties("ActiveEnterTimestampMonotonic")["ActiveEnterTimestampMonotonic"]) / 1e6


def alerts(rule: str, boot: str = "0") -> list[dict[str, Any]]:
    """Return the rule's alerts in the journal of a boot."""
    said = run("journalctl", "-t", "mozu", "-b", boot, "-o", "json", f"MOZU_RULE={rule}", check=False)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def said_in_this_boot() -> list[str]:
    """Return the lines of mozu.service in the journal of this boot, alerts among them."""
    return run("journalctl", "-b", "-u", "mozu.service", "-o", "cat", check=False).splitlines()


def raised() -> set[str]:
    """Return the names of rules with an alert in the journal of this boot."""
    said = run("journalctl", "-t", "mozu", "-b", "-o", "json", "--output-fields=MOZU_RULE", check=False)
    records = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {one["MOZU_RULE"] for one in records if "MOZU_RULE" in one}


def configured(configuration: str, rules: str, drop_in: str = "") -> None:
    """Put configuration, rules and the unit's drop-in in force, in place of the previous step's and of mozu's own
    rules.
    """
    CONFIGURATION.write_text(configuration + FEW_RULES)
    RULES.write_text(rules)
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(drop_in)
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "mozu.service")
    watching()


def programs() -> str:
    """Return the last report of mozu.service in this boot on its kernel programs: the object and its variant."""
    lines = run("journalctl", "-b", "-u", "mozu.service", "-o", "cat", check=False).splitlines()
    return next((line for line in reversed(lines) if "kernel programs: " in line), "mozu.service did not load any")
