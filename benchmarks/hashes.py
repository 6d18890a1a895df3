"""The cost of a rule that names `proc.exe_hash`: the CPU of a build and of mozu beside it, and of alerts.

    python -m benchmarks.hashes [--rounds 5] [--units 60] [--before SOURCES] [--write docs/operate/benchmarks.md]

Monitors take their turns in each round: mozu without such a rule, and mozu with one that asks for the hash of every
program that is executed, each started for the turn, so that each program is hashed in each turn once. `--before`: the
src of another checkout, without such a rule. CPU is user and system time, of the build with all that it starts, and of
mozu; it hardly depends on what else runs on the machine. Ratios are of one round; rows are the median of the rounds,
in brackets the least and the most. As root, with gcc.

`--write` puts the table into a page, in the place of what stands there between the lines of `place.py`.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.latency import act
from benchmarks.place import conditions, put
from benchmarks.watcher import Site, Watcher, prepared

_PROGRAM: Final = """
- rule: Never of a program
  desc: An exec that the rule looks at.
  condition: evt.type in (execve, execveat) and evt.failed = false and proc.name = no-such-program
  output: never
  priority: NOTICE
"""
_EVERY: Final = """
- rule: Never of a hash
  desc: The hash of each program is asked for.
  condition: evt.type in (execve, execveat) and evt.failed = false and proc.exe_hash startswith no-such-hash
  output: never
  priority: NOTICE
"""
_SOURCE: Final = (
    "int f{number}(int *a, int n) {{ for (int i = 0; i < n; i++) for (int j = i; j < n; j++)"
    " a[j] = a[i] * {number} + (a[j] > i ? j / (n + 1) : n); return a[n - 1]; }}\n"
)
_FUNCTIONS: Final = 60
"""Number of functions in a unit."""
_BURST: Final = 20_000
_RATE: Final = 1_000
_ALERTS: Final = 3_000


class Turn(NamedTuple):
    """The figures of one turn of one monitor."""

    build: float
    """Seconds of CPU of the build; so is `mozu` of mozu meanwhile."""
    mozu: float
    p50: float
    """ms; so is p99."""
    p99: float
    alert: float
    """µs of mozu's CPU for each alert of a burst."""


class WithRules(Watcher):
    """mozu with more rules than those of the place."""

    def __init__(self, name: str, command: str, more: str) -> None:
        super().__init__(name, command, r"watching \d+ event", "")
        self._more = more

    def begin(self, rules: Path) -> None:
        """Begin with these rules and the watcher's own."""
        own = rules.with_name(f"{self.name}.yaml")
        own.write_text(rules.read_text() + self._more)
        super().begin(own)


def build(folder: Path, units: int) -> float:
    """Compile so many units and link them; seconds of CPU."""
    place = folder / "build"
    place.mkdir(exist_ok=True)
    for number in range(units):
        first = number * _FUNCTIONS
        functions = (_SOURCE.format(number=one) for one in range(first, first + _FUNCTIONS))
        (place / f"u{number}.c").write_text("".join(functions))
    (place / "main.c").write_text("int main(void) { return 0; }\n")
    script = "for unit in *.c; do gcc -O2 -c $unit || exit 1; done; gcc -o program *.o"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["sh", "-c", script], cwd=place, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def turn(monitor: Watcher, site: Site, units: int) -> Turn:
    """Measure one build, alerts at a rate, and a burst of alerts, beside the monitor."""
    with site.watched(monitor) as usage:
        taken = build(site.folder, units)
    beside = usage.cpu
    with site.watched(monitor):
        act(site.folder, _RATE, _ALERTS)
    found = statistics.quantiles(monitor.ages, n=100)
    with site.watched(monitor) as usage:
        subprocess.run([site.folder / "calls", "open", "1", str(_BURST), site.folder / "burst"], check=True)
    return Turn(taken, beside, found[49], found[98], usage.cpu * 1e6 / max(monitor.alerts["Burst"], 1))


_ROWS: Final[tuple[tuple[str, str, Callable[[Turn], float]], ...]] = (
    ("CPU of a build", "s", lambda one: one.build),
    ("CPU of mozu beside it", "s", lambda one: one.mozu),
    ("CPU of mozu, of the build's", "%", lambda one: 100 * one.mozu / one.build),
    ("CPU of build and mozu", "s", lambda one: one.build + one.mozu),
    ("latency at 1,000/s, p50", "ms", lambda one: one.p50),
    ("latency at 1,000/s, p99", "ms", lambda one: one.p99),
    ("CPU of mozu for each alert of a burst", "µs", lambda one: one.alert),
)


def rows(rounds: Sequence[dict[str, Turn]]) -> list[str]:
    """The lines of a table; the first monitor is the one that the others are compared with."""
    first, *others = rounds[0]
    found = [f"| | {' | '.join([first, *others])} |", f"|---|{'---|' * (1 + len(others))}"]
    for name, unit, of in _ROWS:
        cells = [_cell([of(each[monitor]) for each in rounds], unit, ".2f") for monitor in (first, *others)]
        found.append(f"| {name} | {' | '.join(cells)} |")
        ratios = [[of(each[monitor]) / of(each[first]) for each in rounds] for monitor in others]
        found.append(f"| … as a ratio, in one round | 1 | {' | '.join(_cell(its, '', '.3f') for its in ratios)} |")
    return found


def _cell(values: Sequence[float], unit: str, form: str) -> str:
    spread = f" ({min(values):{form}} … {max(values):{form}})"
    return f"{statistics.median(values):{form}}{' ' * bool(unit)}{unit}{spread}"


def monitors(before: Path | None) -> list[Watcher]:
    """Return the variants: this checkout without and with a rule that names a hash, and another checkout."""
    mozu = f"{shlex.quote(sys.executable)} -m mozu run --json --stats {{stats}} -r {{rules}}"
    asking = f"{mozu} -o 'enrichers=[users, containers, hashes]'"
    found: list[Watcher] = [WithRules("no hash", mozu, _PROGRAM), WithRules("every hash", asking, _PROGRAM + _EVERY)]
    if before is not None:
        found.append(WithRules("before", f"env PYTHONPATH={shlex.quote(str(before))} {mozu}", _PROGRAM))
    return found


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, default=60, help="files that the build compiles")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    watchers, about, found = monitors(options.before), conditions(), []
    with prepared() as site:
        for number in range(options.rounds):
            turns = watchers[number % len(watchers) :] + watchers[: number % len(watchers)]
            its = {watcher.name: turn(watcher, site, options.units) for watcher in turns}
            found.append({watcher.name: its[watcher.name] for watcher in watchers})
            print(found[-1], file=sys.stderr, flush=True)
    told = f"{about}, {os.getloadavg()[0]:.1f} behind; rounds: {options.rounds}, units: {options.units}."
    lines = [told, "", *rows(found)]
    print("\n".join(lines))
    if options.write:
        put(options.write, "hashes", "\n".join(lines))


if __name__ == "__main__":
    main()
