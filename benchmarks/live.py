"""What watching costs the watched: workloads with and without a monitor, in interleaved pairs.

    python -m benchmarks.live [--pairs 9] [--only NAME] [--rules FILE ...] [--compat32 on|off|both]
                              [--other COMMAND --other-ready REGEX]

For each workload and monitor: nanoseconds added to a call (median, least and most of the pairs), the ratio of wall
times, the monitor's own CPU seconds, its resident memory, and the events it says it lost.
"""

import argparse
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.monitor import Monitor, Mozu, Usage
from benchmarks.ptrace import PARTS, project

HERE = Path(__file__).parent


class Workload(msgspec.Struct):
    """A command and how many calls it makes."""

    name: str
    command: list[str]
    calls: int
    unit: str


def workloads(folder: Path) -> list[Workload]:
    """The standard five, and a build."""
    program, target = folder / "workload", folder / "target"
    subprocess.run(["gcc", "-O2", "-o", program, HERE / "workload.c"], check=True)
    target.touch()
    dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=3000000", "status=none"]
    run = str(program)
    built = folder / "project"
    built.mkdir()
    project(built)
    build = ["make", "--silent", "--always-make", "-j2", "-C", str(built)]
    return [
        Workload("dd bs=1, 6 M calls", dd, 6_000_000, "call"),
        Workload("10 processes × 20,000 open+close", [run, "open", "10", "20000", str(target)], 200_000, "open"),
        Workload("10,000 posix_spawn", [run, "exec", "10000", "/bin/true"], 10_000, "exec"),
        Workload("2 M open+close, 1 process", [run, "open", "1", "2000000", str(target)], 2_000_000, "open"),
        Workload("2 M open+close, 2 processes", [run, "open", "2", "1000000", str(target)], 2_000_000, "open"),
        Workload(f"make -j2 of {PARTS + 1} C files", build, PARTS + 2, "command"),
    ]


def timed(workload: Workload) -> float:
    """Wall seconds of one run."""
    start = time.perf_counter()
    subprocess.run(workload.command, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(workload: Workload, monitors: Sequence[Monitor], pairs: int) -> list[str]:
    """One row of the table per monitor."""
    timed(workload)
    alone: dict[str, list[float]] = {m.name: [] for m in monitors}
    under: dict[str, list[float]] = {m.name: [] for m in monitors}
    used: dict[str, list[Usage]] = {m.name: [] for m in monitors}
    for number in range(pairs):
        for monitor in monitors:
            usage = Usage()
            if number % 2:
                alone[monitor.name].append(timed(workload))
            with monitor.watching(usage):
                under[monitor.name].append(timed(workload))
            if not number % 2:
                alone[monitor.name].append(timed(workload))
            used[monitor.name].append(usage)
    return [row(workload, m.name, alone[m.name], under[m.name], used[m.name]) for m in monitors]


def row(workload: Workload, name: str, alone: list[float], under: list[float], used: list[Usage]) -> str:
    """Medians over the pairs; in brackets the least and the most."""
    added = [(b - a) / workload.calls * 1e9 for a, b in zip(alone, under, strict=True)]
    ratio = statistics.median(b / a for a, b in zip(alone, under, strict=True))
    lost = statistics.median(u.lost for u in used)
    return (
        f"| {workload.name} | {name} | {statistics.median(alone):.2f} s "
        f"| {statistics.median(added):+.0f} ns/{workload.unit} ({min(added):+.0f} … {max(added):+.0f}) | {ratio:.3f} "
        f"| {statistics.median(u.cpu for u in used):.2f} s | {statistics.median(u.rss for u in used):.0f} MiB "
        f"| {'not told' if lost < 0 else f'{lost:.0f}'} |"
    )


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--rules", type=Path, action="append", default=[])
    parser.add_argument("--compat32", choices=("on", "off", "both"), help="with or without the watch of 32-bit calls")
    parser.add_argument("--other", help="command line of another monitor, measured in the same run")
    parser.add_argument("--other-ready", default=".", help="what it prints once it watches (a regular expression)")
    options = parser.parse_args()
    switches = ("on", "off") if options.compat32 == "both" else (options.compat32,)
    monitors: list[Monitor] = [Mozu(options.rules, switch) for switch in switches]
    if options.other:
        command = shlex.split(options.other)
        monitors.append(Monitor(Path(command[0]).name, command, options.other_ready))
    print("| workload | monitor | alone | added | wall ratio | monitor's CPU | RSS | lost |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads(Path(folder)):
            if options.only in workload.name:
                print(*measure(workload, monitors, options.pairs), sep="\n", flush=True)


if __name__ == "__main__":
    main()
