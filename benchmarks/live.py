"""Cost of watching for the watched processes: workloads with and without a monitor, in interleaved pairs.

    python -m benchmarks.live [--pairs 9] [--only NAME] [--rules FILE ...] [--compat32 on|off|both]
                              [--level low …] [--other COMMAND --other-ready REGEX]

For each workload and monitor: how fast it went alone, the time added to a call or request, the ratio of throughputs, of
the processor time that the whole machine (the monitor included) spent on a call or request, and, for servers, of the
99th percentiles of their clients' latencies (median, in brackets least and most of the pairs),
the monitor's own CPU seconds, its resident memory, and the events it says it lost.

`--only` and `--rules` may come several times: every `--rules` is a set of files, and each set is a monitor of its own,
each `--level` of mozu's own rules too, with and without the watch of 32-bit calls under `--compat32 both`. All of them
take their turns in the same run.
"""

import argparse
import os
import shlex
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.monitor import Monitor, Mozu, Usage
from benchmarks.workloads.calls import BUILD, CALLS
from benchmarks.workloads.nginx import NGINX
from benchmarks.workloads.redis import REDIS
from benchmarks.workloads.workload import Run, Workload, missing_packages

WORKLOADS: Final = (*CALLS, BUILD, *REDIS, NGINX)
HEAD: Final = (
    "| workload | monitor | alone | added, time | added | throughput ratio | CPU ratio | p99 alone | p99 ratio "
    "| monitor's CPU | RSS | lost |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


class Timed(NamedTuple):
    """A run, and what the whole machine spent on it."""

    run: Run
    cpu: float
    """Seconds of processor time of everything that ran at that time, for each unit of the run."""


class Pair(NamedTuple):
    """A run alone, a run under a monitor, and what the monitor used."""

    alone: Timed
    under: Timed
    usage: Usage


def timed(run: Callable[[], Run]) -> Timed:
    """Run it once."""
    before, begun = busy(Path("/proc/stat")), time.monotonic()
    found = run()
    return Timed(found, (busy(Path("/proc/stat")) - before) / (found.rate * (time.monotonic() - begun)))


def busy(stat: Path) -> float:
    """Seconds that all processors have worked; not what they were idle, waited, or were taken away (proc(5))."""
    user, nice, system, _, _, hard, soft, *_ = map(int, stat.read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + hard + soft) / os.sysconf("SC_CLK_TCK")


def pair(run: Callable[[], Run], monitor: Monitor, *, alone_first: bool) -> Pair:
    """Both runs, next to each other."""
    usage, alone = Usage(), None
    if alone_first:
        alone = timed(run)
    with monitor.watching(usage):
        under = timed(run)
    return Pair(alone or timed(run), under, usage)


def measure(workload: Workload, monitors: Sequence[Monitor], pairs: int) -> Iterator[str]:
    """Yield one row of the table per monitor."""
    found: list[list[Pair]] = [[] for _ in monitors]
    with workload.prepared() as run:
        run()
        for number in range(pairs):
            for monitor, its in zip(monitors, found, strict=True):
                its.append(pair(run, monitor, alone_first=number % 2 == 1))
    for monitor, its in zip(monitors, found, strict=True):
        yield row(workload, monitor.name, its)


def row(workload: Workload, name: str, pairs: Sequence[Pair]) -> str:
    """Medians over the pairs; in brackets the least and the most."""
    alone, under = [one.alone.run for one in pairs], [one.under.run for one in pairs]
    ratios = [b.rate / a.rate for a, b in zip(alone, under, strict=True)]
    lost = statistics.median(one.usage.lost for one in pairs)
    cells = [
        workload.name,
        name,
        f"{statistics.median(one.rate for one in alone):,.0f} {workload.unit}s/s",
        _added([(1 / b.rate - 1 / a.rate) * 1e9 for a, b in zip(alone, under, strict=True)], workload.unit),
        _spread([(1 / ratio - 1) * 100 for ratio in ratios], "+.1f", " %"),
        _spread(ratios, ".3f"),
        _spread([one.under.cpu / one.alone.cpu for one in pairs], ".3f"),
        *_p99([(a.p99, b.p99) for a, b in zip(alone, under, strict=True)]),
        f"{statistics.median(one.usage.cpu for one in pairs):.2f} s",
        f"{statistics.median(one.usage.rss for one in pairs):.0f} MiB",
        "not reported" if lost < 0 else f"{lost:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], form: str, unit: str = "") -> str:
    return f"{statistics.median(values):{form}}{unit} ({min(values):{form}} … {max(values):{form}})"


def _added(nanoseconds: Sequence[float], unit: str) -> str:
    """Return the median and spread: in nanoseconds up to ten microseconds, in microseconds up to a millisecond, then in
    milliseconds."""
    size = abs(statistics.median(nanoseconds))
    if size < 1e4:
        return _spread(nanoseconds, "+,.0f", f" ns/{unit}")
    if size < 1e6:
        return _spread([value / 1e3 for value in nanoseconds], "+.1f", f" µs/{unit}")
    return _spread([value / 1e6 for value in nanoseconds], "+.2f", f" ms/{unit}")


def _p99(pairs: Sequence[tuple[float | None, float | None]]) -> tuple[str, str]:
    known = [(alone, under) for alone, under in pairs if alone is not None and under is not None]
    if not known:
        return "–", "–"
    alone = statistics.median(alone for alone, _ in known)
    return f"{alone:.2f} ms", _spread([under / alone for alone, under in known], ".2f")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", action="append", default=[], help="workloads whose name contains this")
    parser.add_argument("--rules", type=Path, action="append", nargs="+", default=[], help="a set of rule files")
    parser.add_argument("--level", action="append", default=[], help="mozu's own rules at this level")
    parser.add_argument("--compat32", choices=("on", "off", "both"), help="with or without the watch of 32-bit calls")
    parser.add_argument("--other", help="command line of another monitor, measured in the same run")
    parser.add_argument("--other-ready", default=".", help="what it prints once it watches (a regular expression)")
    return parser.parse_args(arguments)


def monitors(options: argparse.Namespace) -> list[Monitor]:
    """mozu once for each set of rules and each way of the 32-bit watch, and the other monitor."""
    switches = ("on", "off") if options.compat32 == "both" else (options.compat32,)
    sets = options.rules or ([] if options.level else [[]])
    found: list[Monitor] = [Mozu(rules, switch) for rules in sets for switch in switches]
    found += [Mozu([], switch, level) for level in options.level for switch in switches]
    if options.other:
        command = shlex.split(options.other)
        found.append(Monitor(Path(command[0]).name, command, options.other_ready))
    return found


def _stop(number: int, frame: object) -> None:
    """Leave every block, so that servers and monitors end; a second signal does not disturb that."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> None:
    """Print the table as Markdown."""
    options = parsed(sys.argv[1:])
    signal.signal(signal.SIGTERM, _stop)
    chosen = [work for work in WORKLOADS if not options.only or any(part in work.name for part in options.only)]
    if packages := missing_packages(chosen):
        sys.exit(f"programs of these workloads are not installed: apt-get install {' '.join(packages)}")
    print(HEAD, flush=True)
    for workload in chosen:
        for line in measure(workload, monitors(options), options.pairs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
