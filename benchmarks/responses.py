"""Delay of a response: from a call to the end, or the stop, of the process that made it.

    python -m benchmarks.responses [--only CASE] [--acts 200] [--beside 20000] [--mozu PYTHON]

The victim takes the time before its call, its parent when it sees the effect: what lies between is the call, the ring
buffer, the judgement, everything that makes an act safe (docs/operate/responders.md), and the act. `young`: victims
call just after their fork. `at once`: so many call at the same moment. Each case idle, and beside so many other opens a
second by 20 processes, each of which user space must judge. `--mozu PYTHON` measures another environment.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.delivery import Site
from benchmarks.latency import BESIDE, opening, ready
from benchmarks.monitor import ROOT, end

VICTIMS: Final = ROOT / "benchmarks/workloads/victims.c"
RULE: Final = """
- rule: A trap is opened
  desc: For the measurement.
  condition: evt.type in (open, openat, openat2, creat) and fd.realpath = {folder}/trap
  output: opened by %proc.pid
  priority: NOTICE
"""


class Case(NamedTuple):
    """The parameters of one row."""

    act: str
    where: str
    at_once: int
    pause: int
    """ms between the fork and the call."""


CASES: Final = {
    "kernel": Case("kill", "kernel", 1, 100),
    "kill": Case("kill", "user", 1, 100),
    "young": Case("kill", "user", 1, 0),
    "stop": Case("stop", "user", 1, 100),
    "burst": Case("kill", "user", 500, 100),
    "young-burst": Case("kill", "user", 500, 0),
}


def settings(case: Case) -> dict[str, object]:
    """Return the settings of the responder."""
    found: dict[str, object] = {"rules": ["A trap is opened"], "dry_run": False, "per_minute": 1_000_000}
    return {**found, "where": case.where} if case.act == "kill" else found


def measure(case: Case, acts: int, beside: int, python: str) -> str:
    """Measure one row."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("trap", "wanted"):
            (folder / name).touch()
        (folder / "rules.yaml").write_text(RULE.format(folder=folder) + (BESIDE if beside else ""))
        subprocess.run(["gcc", "-O2", "-o", folder / "victims", VICTIMS], check=True)
        config = {
            "state_dir": str(folder / "state"), "enrichers": [], "sinks": ["stdout"],
            "sources": [{"ebpf": {}}], "responders": [{case.act: settings(case)}],
            "respond": {"per_minute": 1_000_000, "per_account": 1_000_000},
        }  # fmt: skip
        process = Site(folder, python).start(json.dumps(config), "-r", str(folder / "rules.yaml"))
        ready(process)
        with opening(folder, beside):
            total = max(acts, case.at_once)
            command = (folder / "victims", folder / "trap", str(total), str(case.at_once), str(case.pause))
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        end(process)
    found = [int(line) / 1e6 for line in output.split()]
    taken = sorted(one for one in found if one >= 0)
    cuts = statistics.quantiles(taken, n=100) if len(taken) > 1 else [0.0] * 99
    cells = (
        case.act, case.where, "yes" if not case.pause else "no", f"{case.at_once:,}", f"{beside:,}",
        f"{cuts[49]:.1f} ms", f"{cuts[98]:.1f} ms", f"{len(taken):,} of {len(found):,}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--acts", type=int, default=200)
    parser.add_argument("--beside", type=int, default=20_000)
    parser.add_argument("--mozu", default=sys.executable)
    options = parser.parse_args()
    print("| act | where | young | at once | other opens/s | p50 | p99 | acts |\n|---|---|---|---|---|---|---|---|")
    for name in [options.only] if options.only else CASES:
        for beside in (0, options.beside):
            print(measure(CASES[name], options.acts, beside, options.mozu), flush=True)


if __name__ == "__main__":
    main()
