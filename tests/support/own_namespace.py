"""`mozu run` beside a script in a private pid namespace, so that nothing else on the machine is traced.

The script is not a child of mozu; the processes that it starts are followed because the script is.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

OWN_NAMESPACE: Final = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")
SCRIPT: Final = """
"$@" > alerts 2> log &
mozu=$!
until grep -q 'watching .* event types' log; do kill -0 $mozu || { wait $mozu; exit $?; }; sleep 0.1; done
sh -c 'uname > /dev/null; exit 0'
[ -z "$ALSO" ] || sh -c "$ALSO"
until grep -q 'uname was started' alerts && grep -q Heartbeat alerts; do kill -0 $mozu || exit 99; sleep 0.1; done
kill $mozu
wait $mozu
"""
RULES: Final = """
- rule: A child process
  desc: A program that the script starts.
  condition: evt.type = execve and proc.name = uname
  output: uname was started (by=%proc.pname user=%user.uid)
  priority: NOTICE
"""
CONFIG: Final = """
sources: [syscalls]
enrichers: []
evaluators: [falco: {rules: [rules.yaml]}]
sinks: [stdout: {format: json, heartbeat: 1}]
state_dir: state
"""


class Run(NamedTuple):
    """The result of a run."""

    code: int
    alerts: list[dict[str, Any]]
    log: str
    source: dict[str, Any]
    """Statistics of the source."""

    def of(self, rule: str) -> list[dict[str, Any]]:
        """Return the fields of the alerts of a rule."""
        return [alert["output_fields"] for alert in self.alerts if alert["rule"] == rule]


def command(interpreter: str, *options: str) -> list[str]:
    """Return the command line of the script, with mozu to run. Before it ends, the script executes what the variable
    ALSO says."""
    mozu = [interpreter, "-m", "mozu", "run", "-c", "mozu.yaml", "--stats", "statistics", *options]
    return ["sh", "-c", SCRIPT, "script", *mozu]


def finished(line: Sequence[str], folder: Path, env: dict[str, str] | None = None) -> Run:
    done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=150, check=False)
    log = (folder / "log").read_text() + done.stderr if (folder / "log").exists() else done.stdout + done.stderr
    alerts = [json.loads(text) for text in (folder / "alerts").read_text().splitlines()]
    numbers = folder / "statistics"
    source = json.loads(numbers.read_text())["sources"]["syscalls"] if numbers.exists() else {}
    return Run(done.returncode, alerts, log, source)
