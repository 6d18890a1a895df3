"""Cost of mozu's own rules at each level, beside Falco's stable rules under the same mozu: whole monitors in turns.

    python -m benchmarks.levels [--minutes 9] [--only NAME] [--rules FILE ...] [--write docs/operate/benchmarks.md]

In a round each of them watches once while the workloads run one after another (a build, Redis, nginx, opens), and once
nothing watches, in an order that changes. The measure is the processor time of the whole machine for a command or
request, the monitor included, against that under Falco's rules in the same round; printed are medians, in brackets the
interval in which the true one lies in 95 of 100. Falco's rules: `--rules`, or MOZU_CORPUS (`benchmarks/stock.py`).
As root.

`--write` puts the table into a page, in the place of what stands there between the lines of `place.py`.
"""

import argparse
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Final

from benchmarks.attached import interval
from benchmarks.live import Timed, timed
from benchmarks.monitor import Mozu, Usage
from benchmarks.place import conditions, put
from benchmarks.stock import rules_or_stable
from benchmarks.workloads.calls import BUILD, CALLS
from benchmarks.workloads.nginx import NGINX
from benchmarks.workloads.redis import REDIS
from benchmarks.workloads.workload import Run, missing_packages

WORKLOADS: Final = (BUILD, *REDIS, NGINX, *(work for work in CALLS if "open+close, 1 process" in work.name))
LEVELS: Final = ("low", "medium", "paranoid")
STABLE, NOTHING = "Falco's stable rules", "nothing watches"
HEAD: Final = (
    "| workload | | CPU of the machine beside that under Falco's rules | throughput | rounds |\n|---|---|---|---|---|"
)

Round = dict[str, dict[str, Timed]]
"""Workload → what watched → its run."""


def rows(rounds: Sequence[Round]) -> list[str]:
    """A line for each workload and what watched it."""
    made = []
    for workload in rounds[0]:
        for watcher in (*LEVELS, NOTHING):
            pairs = [(one[workload][watcher], one[workload][STABLE]) for one in rounds]
            cpu = interval([100 * (its.cpu / stable.cpu - 1) for its, stable in pairs])
            rate = statistics.median(its.run.rate / stable.run.rate for its, stable in pairs)
            cells = (workload, watcher, "{:+.1f} % ({:+.1f} … {:+.1f})".format(*cpu), f"{rate:.3f}", str(len(pairs)))
            made.append(f"| {' | '.join(cells)} |")
    return made


def one_round(
    runs: dict[str, Callable[[], Run]], watchers: dict[str, Callable[[], AbstractContextManager[None]]]
) -> Round:
    """Every workload under each of them."""
    found: Round = {workload: {} for workload in runs}
    for name in random.sample(list(watchers), len(watchers)):
        with watchers[name]():
            for workload, run in runs.items():
                found[workload][name] = timed(run)
    return found


def has_time(ends: Sequence[float], seconds: float) -> bool:
    """Return True if one more round ends within these seconds. `ends` are the ends of former rounds, in seconds since
    the beginning."""
    longest = max((end - begin for begin, end in itertools.pairwise((0.0, *ends))), default=0.0)
    return not ends or ends[-1] + longest <= seconds


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="for all rounds; one is measured in any case")
    parser.add_argument("--only", action="append", default=[], help="workloads whose name contains this")
    parser.add_argument("--rules", type=Path, nargs="+", default=[], help="other files in the place of Falco's")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options, about = parser.parse_args(), conditions()
    chosen = [work for work in WORKLOADS if not options.only or any(part in work.name for part in options.only)]
    if packages := missing_packages(chosen):
        sys.exit(f"programs of these workloads are not installed: apt-get install {' '.join(packages)}")
    monitors = {STABLE: Mozu(rules_or_stable(options.rules)), **{level: Mozu([], level=level) for level in LEVELS}}
    watchers: dict[str, Callable[[], AbstractContextManager[None]]] = {NOTHING: nullcontext}
    watchers |= {name: lambda one=one: one.watching(Usage()) for name, one in monitors.items()}  # type: ignore[misc]  # bound at once, which mypy cannot infer
    rounds: list[Round] = []
    ends: list[float] = []
    begun = time.monotonic()
    with ExitStack() as stack:
        runs = {work.name: stack.enter_context(work.prepared()) for work in chosen}
        for run in runs.values():
            run()
        while has_time(ends, options.minutes * 60):
            rounds.append(one_round(runs, watchers))
            ends.append(time.monotonic() - begun)
            print(f"round {len(rounds)}: {ends[-1]:.0f} s", file=sys.stderr, flush=True)
    table = "\n".join((HEAD, *rows(rounds)))
    summary = f"{about}; rounds: {len(rounds)}, in {ends[-1] / 60:.0f} minutes."
    print(table, summary, sep="\n\n")
    if options.write is not None:
        put(options.write, "levels", f"{summary}\n\n{table}")


if __name__ == "__main__":
    main()
