"""A monitor whose alerts are read, and the place in which it watches: what the rows of a comparison share."""

import json
import math
import re
import shlex
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.floods import RULES, own_name
from benchmarks.monitor import Monitor, Usage

_PROGRAMS: Final = Path(__file__).parent / "workloads"
_MORE: Final = """
- rule: Burst
  desc: Each open of this file is an alert.
  condition: evt.type in (open, openat) and fd.name = {folder}/burst
  output: burst %evt.time by %proc.cmdline (%user.name)
  priority: NOTICE
- rule: Made
  desc: For latencies.
  condition: evt.type = creat and fd.name startswith {folder}/made
  output: made %evt.time %fd.name
  priority: NOTICE
"""
_RECOGNISED: Final = ("verdict_memory_hits_total", "kernel_judged_calls_total")
"""Metrics of mozu."""
SECONDS: Final = 4
"""Duration of a load of opens."""
UNDER_WAY: Final = 1.5
"""Seconds after a load in which its last alerts arrive."""


class Watcher(Monitor):
    """A monitor whose alerts are read."""

    def __init__(self, name: str, command: str, ready: str, lost: str) -> None:
        super().__init__(name, shlex.split(command), ready)
        self._lost, self._rules = lost, Path()
        self.lines: list[str] = []
        """Lines of its output."""
        self.ages: list[float] = []
        """Ages of alerts of the rule Made, in ms."""
        self.alerts: Counter[str] = Counter()
        self.recognised = math.nan
        """Calls that it did not judge because equal ones were; where its statistics say so."""

    def begin(self, rules: Path) -> None:
        """Begin with these rules, and nothing read yet."""
        self._rules, self.lines, self.ages, self.alerts, self.recognised = rules, [], [], Counter(), math.nan

    def command(self, stats: Path) -> list[str]:
        """The command line."""
        return [part.format(rules=self._rules, stats=stats) for part in self._command]

    def lost(self, stats: Path) -> int:
        """Return the events lost, from the statistics file if the monitor writes one, else from its output."""
        if stats.exists():
            found_in = json.loads(stats.read_text())
            sources = found_in["sources"].values()
            judged = [one["value"] for one in found_in["metrics"] if one["name"] in _RECOGNISED]
            self.recognised = sum(judged) if judged else math.nan
            return sum(one["lost"] + (one["missed"] or 0) for source in sources for one in source["types"].values())
        found = [int(match[1]) for line in self.lines if self._lost and (match := re.search(self._lost, line))]
        return found[-1] if found else -1

    def took(self, line: str) -> None:
        """Take one line of its output."""
        if not line.startswith("{"):
            self.lines.append(line)
            return
        now, alert = time.time_ns(), json.loads(line)
        self.alerts[alert["rule"]] += 1
        if alert["rule"] == "Made":
            self.ages.append((now - int(alert["output_fields"]["evt.time"])) / 1e6)

    def _read(self, stream: Iterable[str], ready: threading.Event, counted: list[int]) -> None:
        for line in stream:
            self.took(line)
            if re.search(self._ready, line):
                ready.set()


class Site(NamedTuple):
    """Resources of rows: a folder with the rules, and programs."""

    folder: Path
    rules: Path

    @contextmanager
    def watched(self, monitor: Watcher) -> Iterator[Usage]:
        """While the monitor watches, and a moment more."""
        usage = Usage()
        monitor.begin(self.rules)
        with monitor.watching(usage):
            yield usage
            time.sleep(UNDER_WAY)  # a monitor does not say when it has judged all

    def opens(self, rate: int, processes: int, paths: int) -> "Opens":
        """Open files at this rate per second; return how many were opened."""
        command = [self.folder / "opens", rate, SECONDS, processes, paths, self.folder]
        made, seconds = subprocess.check_output(list(map(str, command)), text=True).split()
        return Opens(int(made), int(made) / float(seconds))


class Opens(NamedTuple):
    """The number of opens, and their rate per second."""

    made: int
    rate: float


@contextmanager
def prepared() -> Iterator[Site]:
    """Programs, files and rules."""
    with tempfile.TemporaryDirectory(prefix="mozu-side-by-side-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        for name in ("calls", "floods", "opens"):
            subprocess.run(["gcc", "-O2", "-o", folder / name, _PROGRAMS / f"{name}.c"], check=True)
        for name in ("wanted", "counted", "burst", *(f"wanted-{number}" for number in range(10_000))):
            (folder / name).touch()
        rules = folder / "rules.yaml"
        rules.write_text((RULES + _MORE).format(folder=folder, reader=own_name()))
        yield Site(folder, rules)
