"""Monitors side by side where events are wanted: how many they can judge, what a flood costs, how late alerts are.

    python -m benchmarks.side_by_side [--rounds 5] [--only ROW ...] [--mozu NAME PYTHON ...]
                                      [--other NAME COMMAND READY LOST ...]

A monitor is a command line that writes alerts as JSON lines with `rule` and `output_fields` on its standard output.
This checkout is one; `--mozu` adds another checkout by the Python of its environment; `--other` any command in which
{rules} stands for the file of rules, with regular expressions for what it writes once it watches, and for the number of
events that it says it lost (empty: it does not say). For Falco, which prints its drops with its statistics at the end:

    --other Falco "falco -U -r {rules} -o json_output=true" "Opening '.*' source" "n_drops: *([0-9]+)"

All monitors take their turns within a round, one row after the other; a cell is the median, in brackets least and most.
"""

import argparse
import json
import math
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.floods import FLOODS, RULES, Flood, flooding, own_name, read_shadow
from benchmarks.latency import act
from benchmarks.live import timed
from benchmarks.monitor import Monitor, Usage
from benchmarks.workloads.calls import CALLS

_HERE: Final = Path(__file__).parent / "workloads"
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
_RATES: Final = (50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000)
_SECONDS: Final = 5
_BURST: Final = 200_000
_READS: Final = 200
_UNDER_WAY: Final = 3.0
"""Seconds after a load in which its last alerts arrive."""


_RECOGNISED: Final = ("verdict_memory_hits_total", "kernel_judged_calls_total")
"""Metrics of mozu."""


class Watcher(Monitor):
    """A monitor whose alerts are read."""

    def __init__(self, name: str, command: str, ready: str, lost: str) -> None:
        super().__init__(name, shlex.split(command), ready)
        self._lost, self._rules = lost, Path()
        self.lines: list[str] = []
        """All that it wrote."""
        self.ages: list[float] = []
        """Of alerts of the rule Made, in ms."""
        self.alerts: Counter[str] = Counter()
        self.recognised = math.nan
        """Calls that it did not judge because equal ones were; where its statistics say so."""

    def begin(self, rules: Path) -> None:
        """With these rules, and nothing read yet."""
        self._rules, self.lines, self.ages, self.alerts, self.recognised = rules, [], [], Counter(), math.nan

    def command(self, stats: Path) -> list[str]:
        """The command line."""
        return [part.format(rules=self._rules, stats=stats) for part in self._command]

    def lost(self, stats: Path) -> int:
        """By its statistics file where it writes one, else by what it wrote."""
        if stats.exists():
            found_in = json.loads(stats.read_text())
            sources = found_in["sources"].values()
            judged = [one["value"] for one in found_in["metrics"] if one["name"] in _RECOGNISED]
            self.recognised = sum(judged) if judged else math.nan
            return sum(one["lost"] + (one["missed"] or 0) for source in sources for one in source["types"].values())
        found = [int(match[1]) for line in self.lines if self._lost and (match := re.search(self._lost, line))]
        return found[-1] if found else -1

    def took(self, line: str) -> None:
        """One line of its output."""
        if not line.startswith("{"):
            self.lines.append(line)
            return
        now, alert = time.time_ns(), json.loads(line)
        self.alerts[alert["rule"]] += 1
        if alert["rule"] == "Made":
            self.ages.append((now - int(alert["output_fields"]["evt.time"])) / 1e6)

    def _read(self, process: "subprocess.Popen[str]", ready: Any, counted: list[int]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.took(line)
            if re.search(self._ready, line):
                ready.set()


class Site(NamedTuple):
    """What rows need: a folder with the rules, and programs."""

    folder: Path
    rules: Path

    @contextmanager
    def watched(self, monitor: Watcher) -> Iterator[Usage]:
        """While the monitor watches, and a moment more."""
        usage = Usage()
        monitor.begin(self.rules)
        with monitor.watching(usage):
            yield usage
            time.sleep(_UNDER_WAY)  # what is under way arrives

    def opens(self, rate: int, processes: int, paths: int) -> float:
        """So many a second; how many a second it became."""
        command = [self.folder / "opens", rate, _SECONDS, processes, paths, self.folder]
        made, seconds = subprocess.check_output(list(map(str, command)), text=True).split()
        return int(made) / float(seconds)


Measure = Callable[[Watcher, Site], float]


class Row(NamedTuple):
    """`unit` is written behind the number."""

    name: str
    measure: Measure
    unit: str = ""


def sustained(processes: int, paths: int, before: int = 0) -> Measure:
    """The highest of the rates at which nothing was lost, as it was reached; 0: it loses at each, or does not say.
    `before`: a rate at which other processes open the same paths first."""

    def measure(monitor: Watcher, site: Site) -> float:
        best = 0.0
        for rate in _RATES:
            with site.watched(monitor) as usage:
                if before:
                    site.opens(before, processes, paths)
                reached = site.opens(rate, processes, paths)
            if usage.lost or reached < rate * 0.9:
                return max(best, reached) if not usage.lost else best
            best = reached
        return best

    return measure


def recognised(processes: int, paths: int) -> Measure:
    """Per cent of opens, 100,000 a second, that were not judged because equal ones were."""

    def measure(monitor: Watcher, site: Site) -> float:
        with site.watched(monitor):
            made = site.opens(100_000, processes, paths) * _SECONDS
        return 100 * monitor.recognised / made

    return measure


def loop(monitor: Watcher, site: Site) -> float:
    """Per cent of two million opens that were lost."""
    with site.watched(monitor) as usage:
        subprocess.run([site.folder / "calls", "open", "1", "2000000", site.folder / "wanted-0"], check=True)
    return usage.lost / 20_000 if usage.lost >= 0 else float("nan")


def survivors(flood: Flood) -> Measure:
    """Alerts of 200 reads of /etc/shadow in ten seconds."""

    def measure(monitor: Watcher, site: Site) -> float:
        with site.watched(monitor), flooding(site.folder / "floods", flood.arguments):
            time.sleep(1)  # the flood is under way
            read_shadow(_READS, 10.0)
        return monitor.alerts["Shadow read"]

    return measure


def burst(monitor: Watcher, site: Site) -> float:
    """Per cent of the alerts that were made, and not lost before, which arrived."""
    with site.watched(monitor) as usage:
        subprocess.run([site.folder / "calls", "open", "1", str(_BURST), site.folder / "burst"], check=True)
        _until_quiet(lambda: monitor.alerts["Burst"])
    return 100 * monitor.alerts["Burst"] / (_BURST - max(usage.lost, 0))


def _until_quiet(count: Callable[[], int]) -> None:
    before = -1
    while (found := count()) > before:
        before = found
        time.sleep(_UNDER_WAY)  # alerts that are under way


def latency(rate: int, percentile: int) -> Measure:
    """Of alerts at so many a second, in ms."""

    def measure(monitor: Watcher, site: Site) -> float:
        with site.watched(monitor):
            act(site.folder, rate, min(rate * 10, 10_000))
        return statistics.quantiles(monitor.ages, n=100)[percentile - 1] if len(monitor.ages) > 1 else float("nan")

    return measure


def spawns(monitor: Watcher, site: Site) -> float:
    """CPU seconds of the monitor for 10,000 posix_spawn."""
    (work,) = (one for one in CALLS if "posix_spawn" in one.name)
    with work.prepared() as run, site.watched(monitor) as usage:
        run()
    return usage.cpu


def unrelated(monitor: Watcher, site: Site) -> float:
    """ns that a call of dd takes longer than alone, right before."""
    with CALLS[0].prepared() as run:
        alone = timed(run).run.rate
        with site.watched(monitor):
            under = timed(run).run.rate
    return (1 / under - 1 / alone) * 1e9


ROWS: Final = (
    Row("sustained: one path", sustained(1, 1), " opens/s"),
    Row("sustained: 10,000 paths, 100 processes", sustained(100, 10_000), " opens/s"),
    Row("sustained: the same, known paths", sustained(100, 10_000, before=50_000), " opens/s"),
    Row("sustained: never the same path", sustained(1, 0), " opens/s"),
    Row("recognised: one path", recognised(1, 1), " %"),
    Row("recognised: 10,000 paths, 100 processes", recognised(100, 10_000), " %"),
    Row("2 M opens as fast as it goes: lost", loop, " %"),
    *(Row(f"survive {flood.name}", survivors(flood), f" of {_READS}") for flood in FLOODS),
    Row("200,000 alerts flat out: arrived of those not lost before", burst, " %"),
    *(Row(f"latency at {rate:,}/s, p{of}", latency(rate, of), " ms") for rate in (10, 1_000, 5_000) for of in (50, 99)),
    Row("10,000 spawns: monitor's CPU", spawns, " s"),
    Row("dd bs=1: added to a call", unrelated, " ns"),
)


@contextmanager
def prepared() -> Iterator[Site]:
    """Programs, files and rules."""
    with tempfile.TemporaryDirectory(prefix="mozu-side-by-side-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        for name in ("calls", "floods", "opens"):
            subprocess.run(["gcc", "-O2", "-o", folder / name, _HERE / f"{name}.c"], check=True)
        for name in ("wanted", "counted", "burst", *(f"wanted-{number}" for number in range(10_000))):
            (folder / name).touch()
        rules = folder / "rules.yaml"
        rules.write_text((RULES + _MORE).format(folder=folder, reader=own_name()))
        yield Site(folder, rules)


def monitors(options: argparse.Namespace) -> list[Watcher]:
    """This checkout first."""
    mozu = "{} -m mozu run --json --stats {{stats}} -r {{rules}}"
    checkouts = [("this", sys.executable), *options.mozu]
    found = [Watcher(name, mozu.format(shlex.quote(python)), r"watching \d+ event", "") for name, python in checkouts]
    return [*found, *(Watcher(*other) for other in options.other)]


def cell(values: Sequence[float], unit: str) -> str:
    """Median, least and most; a dash where a monitor does not say."""
    if any(map(math.isnan, values)):
        return "–"
    form = ",.0f" if all(value == round(value) or abs(value) >= 10 for value in values) else ".2f"
    spread = f" ({min(values):{form}} … {max(values):{form}})" if len(values) > 1 else ""
    return f"{statistics.median(values):{form}}{unit}{spread}"


def main() -> None:
    """Print the table as Markdown, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], help="rows whose name contains this")
    parser.add_argument("--mozu", action="append", nargs=2, default=[], metavar=("NAME", "PYTHON"))
    parser.add_argument("--other", action="append", nargs=4, default=[], metavar=("NAME", "COMMAND", "READY", "LOST"))
    options = parser.parse_args()
    watchers = monitors(options)
    print(f"| | {' | '.join(watcher.name for watcher in watchers)} |\n|---|{'---|' * len(watchers)}", flush=True)
    with prepared() as site:
        for row in ROWS:
            if options.only and not any(part in row.name for part in options.only):
                continue
            found: list[list[float]] = [[] for _ in watchers]
            for _ in range(options.rounds):
                for watcher, its in zip(watchers, found, strict=True):
                    its.append(row.measure(watcher, site))
            print(f"| {row.name} | {' | '.join(cell(its, row.unit) for its in found)} |", flush=True)


if __name__ == "__main__":
    main()
