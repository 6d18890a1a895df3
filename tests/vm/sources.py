"""An act of every family of calls under each source, in a machine without systemd: `python3 -m tests.vm.sources`. The
acts are those of acts.py; a process of its own has them as children, and the source `ptrace` follows that process.
Prints a line of JSON for each source with the acts seen.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.vm.acts import CALLS, NATIVE, Act, child, release, rule, summary

PATIENCE: Final = 400.0
"""Seconds that a start, or an alert, may take; the machine is emulated."""
_WORK: Final = Path("/run/mozu-vm")
_DENIED: Final = """
- rule: Denied
  desc: d
  condition: evt.type in (mkdir, mkdirat) and evt.args contains forbidden
  output: "%evt.args"
  priority: ERROR
  mozu: {respond: deny}
"""
_TRY: Final = """
import os
try:
    os.mkdir("/tmp/forbidden")
except PermissionError:
    print("refused")
"""


class _Stage:
    """Process whose children perform these acts."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self._read, reported = os.pipe()
        waits, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            children = [child(act) for act in acts]
            os.write(reported, json.dumps([pid for pid, _ in children]).encode())
            os.close(reported)
            os.read(waits, 1)
            for pid, go in children:
                release(pid, go)
            os._exit(0)
        os.close(reported)
        self.children: list[int] = json.loads(os.read(self._read, 1 << 16))

    def go(self) -> None:
        """Let the children act one after the other."""
        os.write(self._go, b"\n")
        os.waitpid(self.pid, 0)


def _until(what: str, found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.5)


def watched(name: str, acts: Sequence[Act], source: Callable[[int], str]) -> dict[str, Any]:
    """Return the acts that a source sees. `source` returns its lines of the configuration for the pid of the acts'
    process.
    """
    _WORK.mkdir(exist_ok=True)
    stage = _Stage(acts)
    (_WORK / "rules.yaml").write_text("".join(map(rule, acts, stage.children)))
    configuration = _WORK / "mozu.yaml"
    configuration.write_text(
        f"sources:\n{source(stage.pid)}evaluators:\n  - falco: {{rules: [{_WORK}/rules.yaml]}}\n"
        "sinks:\n  - stdout: {format: json}\n"
    )
    alerts, log = _WORK / f"{name}.alerts", _WORK / f"{name}.log"
    start = time.monotonic()
    with alerts.open("wb") as out, log.open("wb") as err:
        mozu = subprocess.Popen([sys.executable, "-m", "mozu", "run", "-c", str(configuration)], stdout=out, stderr=err)

    def raised() -> set[str]:
        return {json.loads(line)["rule"] for line in alerts.read_text().splitlines() if line.endswith("}")}

    try:
        _until("a start", lambda: mozu.poll() is not None or "mozu started" in raised())
        took = round(time.monotonic() - start, 1)
        stage.go()
        names = {act.name for act in acts}
        if mozu.poll() is None:
            deadline = time.monotonic() + 60
            while not names <= raised() and time.monotonic() < deadline:
                time.sleep(0.5)
    finally:
        mozu.send_signal(signal.SIGTERM)
        mozu.wait(PATIENCE)
    return {"started after": took, **summary(acts, raised()), "journal": log.read_text()[-3000:]}


def by_ebpf(name: str, origin: str) -> dict[str, Any]:
    """Return the acts that the source `ebpf` sees. `origin` is a pattern for the origin of its programs."""
    found = watched(name, CALLS, lambda pid: "  - ebpf\n")
    programs = re.findall("kernel programs: (.*)", found["journal"])
    if not all(re.fullmatch(origin, one) for one in programs) or not programs:
        return {"failed": f"programs did not come as they should: {programs}", **found}
    return {"programs": programs, **found}


def denied() -> dict[str, Any]:
    """Return the output and effects of a command to which `mozu trace` denies a call."""
    (_WORK / "deny.yaml").write_text(_DENIED)
    command = [sys.executable, "-m", "mozu", "trace", "--deny", "-r", str(_WORK / "deny.yaml"), "--"]
    done = subprocess.run([*command, sys.executable, "-c", _TRY], capture_output=True, text=True, check=False)
    return {"said": done.stdout, "made": Path("/tmp/forbidden").exists(), "journal": done.stderr[-3000:]}


def main() -> None:
    """Try each source."""
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "ebpf": lambda: by_ebpf("ebpf", "object aarch64-copies.objects, walks of 128 steps"),
        "ptrace": lambda: watched(
            "ptrace", [act for act in CALLS if act.way == NATIVE], lambda pid: f"  - ptrace: {{pid: {pid}}}\n"
        ),
        "deny": denied,
    }
    for name in sys.argv[1:] or steps:
        start = time.monotonic()
        try:
            found = steps[name]()
        except Exception as error:  # noqa: BLE001  whatever it is, the host is notified
            found = {"failed": f"{type(error).__name__}: {error}"}
        if found.get("unseen") or found.get("made"):
            found["failed"] = "not all was seen, or what was denied was made"
        print(json.dumps({"step": name, "took": round(time.monotonic() - start, 1), **found}), flush=True)


if __name__ == "__main__":
    main()
