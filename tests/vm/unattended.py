"""A step in a virtual machine: the kernel kills and denies on when the installed mozu has been killed."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.vm.service import HERE, Failed, alerts, configured, properties, run, until, watching

LET: Final = """\
[Service]
ExecStartPre=+/usr/bin/install -d -o mozu -g mozu -m 0700 /sys/fs/bpf/mozu
ReadWritePaths=-/sys/fs/bpf/mozu
"""
"""Drop-in of docs/operate/responders.md."""
_STAYS_DEAD: Final = "Restart=no\n"
_CONFIGURATION: Final = """
respond: {on_death: go_on}
responders:
  - kill: {rules: [Killed], where: kernel, dry_run: false}
  - deny: {rules: [Denied], dry_run: false}
"""
_RULE: Final = """
- rule: {name}
  desc: For a step.
  condition: evt.type in (open, openat, openat2, creat) and fd.realpath = {file}
  output: "%proc.pid"
  priority: NOTICE
"""
_FILES: Final = {"Killed": HERE / "VM-KILLED", "Denied": HERE / "VM-DENIED"}
_SECRET: Final = "secret"
_ACTED: Final = {"Killed": (-signal.SIGKILL, ""), "Denied": (1, "")}
_LET_THROUGH: Final = dict.fromkeys(_FILES, (0, _SECRET))
_TIMES: Final = 3
_COUNTED: Final = re.compile(rf"acted ({_TIMES}|{_TIMES + 1}) times")
"""Pattern of the count; it may include the act of mozu's last second, since mozu notes its observations once
a second.
"""
_PINS: Final = Path("/sys/fs/bpf/mozu")


def pins() -> list[Path]:
    """Return the paths that are pinned for mozu."""
    return [path for path in _PINS.rglob("*") if path.is_file()]


def ended() -> dict[str, tuple[int, str]]:
    """Return rule → how `cat` ends with its file, and its output."""
    found = {}
    for name, file in _FILES.items():
        done = subprocess.run(["cat", file], capture_output=True, text=True, check=False)
        found[name] = done.returncode, done.stdout
    return found


def expect(wanted: dict[str, tuple[int, str]], when: str) -> None:
    """Check that the reads end as `wanted`. Raises Failed."""
    if (found := ended()) != wanted:
        raise Failed(f"{when}, reads of files that mozu kills and denies for ended so: {found}")


def unattended() -> dict[str, Any]:
    """Kill, start, stop, start and kill mozu again, which leaves pins to the next step."""
    for file in _FILES.values():
        file.write_text(_SECRET)
    rules = "".join(_RULE.format(name=name, file=file) for name, file in _FILES.items())
    configured(_CONFIGURATION, rules, LET + _STAYS_DEAD)
    expect(_ACTED, "while mozu ran")
    _kill()
    pinned = len(pins())
    for _ in range(_TIMES):
        expect(_ACTED, "when mozu had been killed")
    listed = run("/usr/bin/mozu", "responders", "list")
    if "go on when mozu is killed" not in listed:
        raise Failed(f"`mozu responders list` does not say what goes on: {listed}")

    _start()
    until("the kills of the time without mozu", lambda: any(map(_COUNTED.search, _taken("Killed"))))
    until("the denials, with the one before, each by itself", lambda: len(_taken("Denied")) > _TIMES)
    expect(_ACTED, "when the next mozu had taken over")
    run("systemctl", "stop", "mozu.service")
    expect(_LET_THROUGH, "when mozu had been stopped")
    if left := pins():
        raise Failed(f"an orderly end left {left}")

    _start()
    _kill()
    expect(_ACTED, "when mozu had been killed again")
    return {"pins": pinned, "said": _taken("Killed"), "denials": len(_taken("Denied"))}


def removed(before: int) -> dict[str, Any]:
    """Check the effects of the package's removal, before which `before` pins were there."""
    if left := pins():
        raise Failed(f"removal left {left}")
    if before:  # a thread of the kernel detaches programs without a pin
        until("nothing acts after the removal", lambda: ended() == _LET_THROUGH)
    return {"pins removed": before}


def _taken(rule: str) -> list[str]:
    """Return the messages about responses to this rule."""
    return [one["MESSAGE"] for one in alerts("Response taken") if one["MOZU_FOR_RULE"] == rule]


def _start() -> None:
    run("systemctl", "start", "mozu.service")
    watching()


def _kill() -> None:
    os.kill(int(properties("MainPID")["MainPID"]), signal.SIGKILL)
    until("mozu has ended", lambda: run("systemctl", "is-active", "mozu.service", check=False) == "failed\n")
