"""Cost for a server of attached BPF programs alone: they are attached and detached in turn while the server works.

    python -m benchmarks.attached [--seconds 120] [--only nginx] [--rules FILE ...] [--level low ...]

No monitor drains the ring buffer. In slots of a tenth of a second nothing is attached, then a program that does
nothing at a call that no process makes, the same at the calls that the server makes, and mozu's own programs under
each set of rules, in an order that changes. The measure is the processor time that the server takes for a request,
against that of the slot of the same round with nothing attached: a round is shorter than most disturbances by other
load on the machine. Printed are medians, in brackets the interval in which the true one lies in 95 of 100 cases.
Whole monitors: `benchmarks.live`.
"""

import argparse
import logging
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.concurrent_load import concurrent_load
from benchmarks.rule_sets import add_options, chosen
from benchmarks.workloads.nginx import NGINX
from benchmarks.workloads.redis import REDIS
from benchmarks.workloads.workload import Workload, missing_packages
from mozu.core.api import Context
from mozu.core.filter.demand import state_types
from mozu.core.flow.process_predicate import process_predicates
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from mozu.plugins.sources.ebpf import bpf_syscall, checks
from mozu.plugins.sources.ebpf.checks import running_pids
from mozu.plugins.sources.ebpf.kernel_filter import choose
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.maps import MAX_PROC_VERDICTS
from mozu.plugins.sources.ebpf.objects import compiler
from mozu.plugins.sources.ebpf.tracepoints import PROCESS_EVENTS, READ_ON_USE, wanted_types
from mozu.plugins.sources.ebpf.verdicts import ProcessFilterCache

SLOT, PAUSE = 0.1, 0.03
"""Seconds that are measured, and between."""
RING: Final = 1 << 23
WRITES: Final = {"nginx": 2, "redis-server": 1}
"""Program → how often it writes for a request: nginx a header and a line of its log (the file goes another way)."""
HEAD: Final = "| workload | attached | alone, for a request | added | added | rounds |\n|---|---|---|---|---|---|"
MIN_REQUESTS: Final = 100
"""Requests in a slot that are too few to count: the client starts or stops."""


class Sample(NamedTuple):
    """A moment of a server."""

    cpu: int
    """Nanoseconds that it has run."""
    requests: float


class Kernel:
    """The programs of some rules, without a reader of their ring."""

    def __init__(self, rules: FalcoSettings) -> None:
        fields = FieldRegistry(builtin_fields())
        context = Context("attached", logging.getLogger("attached"), Metrics(), fields)
        demand = FalcoEvaluator(rules, context).demand()
        self.types = wanted_types(demand)[0] - PROCESS_EVENTS
        cacheable = cacheable_fields(fields)
        self._chosen = choose(
            demand, self.types - state_types(demand.state_dependencies("syscall") - READ_ON_USE), cacheable
        )
        self._state = StateMachine()
        self.loader = Loader(RING)
        self.loader.prepare(self.types)
        self.loader.configure()
        self._known = ProcessFilterCache(
            self.loader.maps, MAX_PROC_VERDICTS, process_predicates(fields, self._state), lambda: 0
        )

    def attach(self, names: Sequence[str]) -> None:
        """The programs of these calls, behind their kernel filters; every running process is known."""
        self.loader.attach(names)
        if refused := self.loader.set_filters(self._chosen.functions):
            raise SystemExit(f"no kernel filter: {refused}")

    def prefetch(self) -> None:
        """Answer the process predicates of every running process."""
        self._state.seed()
        asking = frozenset(
            name for name, function in self._chosen.functions.items() if function.uses_process_predicates
        )
        self._known.configure(asking, self._known.prepare(self._chosen.predicates))
        self._known.prefetch(running_pids())
        while self._known.is_pending:
            self._known.publish(1)

    def detach(self) -> None:
        """Detach all programs; their kernel filters are kept."""
        self.loader.detach(self.loader.attached)


def sample(program: str, pids: Sequence[int]) -> Sample:
    """Return CPU time and writes of these processes so far (proc(5): schedstat, io)."""
    cpu = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)
    counts = (dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines()) for pid in pids)
    return Sample(cpu, sum(int(count["syscw"]) for count in counts) / WRITES[program])


def served_by(program: str) -> list[int]:
    """The processes of this program that this one has started."""
    found: list[int] = []
    for pid in running_pids():
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        parent = int(rest.split()[1])
        if name == program[:15] and (parent == os.getpid() or parent in found):
            found.append(pid)
    return found


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, and between which of the values it lies in 95 of 100 cases, whatever their distribution."""
    ordered, half = sorted(values), 0.98 * len(values) ** 0.5
    low, high = max(0, int(len(values) / 2 - half)), min(len(values) - 1, int(len(values) / 2 + half))
    return statistics.median(values), ordered[low], ordered[high]


def calls_of(watched: Kernel) -> list[str]:
    """Calls that are made all the time now."""
    watched.attach(sorted(watched.types))
    before = {name: watched.loader.count(name)[0] for name in watched.loader.attached}
    time.sleep(1)  # the calls of a second are counted
    made = [name for name, seen in before.items() if watched.loader.count(name)[0] - seen > MIN_REQUESTS]
    watched.detach()
    return sorted(made)


def _passes(loader: Loader, call: str) -> bool:
    """Return True if most calls were not filtered; some pass before an attached program has its filter."""
    seen, filtered, *_ = loader.count(call)
    assert filtered is not None
    return filtered < seen / 2


def _check_filtered(workload: Workload, sets: dict[str, Kernel], made: Sequence[str]) -> None:
    """A table of calls that the kernel filter discards has no row for others."""
    for name, one in sets.items():
        passing = [call for call in made if call in one.types and _passes(one.loader, call)]
        if passing:
            calls = ", ".join(passing)
            raise SystemExit(f"{name}: {calls} of {workload.name} pass the filter; this measures calls that do not")


def measure(workload: Workload, sets: dict[str, Kernel], seconds: float) -> Iterator[str]:
    """Rows of the table."""
    program = next(iter(workload.programs))
    idle = compiler.compile_text("int nothing(void *context) { return 0; }", Path.cwd(), ["nothing"])
    nothing = bpf_syscall.load(bpf_syscall.TRACEPOINT, "nothing", idle["nothing"])
    held: list[int] = []

    def do_nothing(names: Sequence[str]) -> None:
        for name in names:
            point = checks.tracepoint_id(checks.tracefs(), f"sys_exit_{name}")
            assert point is not None
            held.append(bpf_syscall.attach_tracepoint(nothing, point))

    def end() -> None:
        while held:
            os.close(held.pop())
        for one in sets.values():
            one.detach()

    with workload.prepared() as run:
        pids = served_by(program)
        with concurrent_load(run):
            for one in sets.values():
                one.prefetch()
            made = sorted({name for one in sets.values() for name in calls_of(one)})
            turns: dict[str, Callable[[], None]] = {
                "nothing": partial(do_nothing, []),
                "a program that does nothing, at a call that no process makes": partial(do_nothing, ["setfsuid"]),
            }
            if made:
                turns[f"a program that does nothing, at {' and '.join(made)}"] = partial(do_nothing, made)
            for name, one in sets.items():
                # At some call that is not made as well: a monitor watches calls that this server has no use for.
                others = sorted(one.types.difference(made))[:1]
                turns[name] = partial(one.attach, [*one.types.intersection(made), *others])
            rounds: list[dict[str, float]] = []
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                row: dict[str, float] = {}
                for name in random.sample(list(turns), len(turns)):
                    turns[name]()
                    time.sleep(PAUSE)  # what attaching itself disturbs is over
                    before = sample(program, pids)
                    time.sleep(SLOT)  # the server works; this is what is measured
                    after = sample(program, pids)
                    end()
                    if after.requests - before.requests > MIN_REQUESTS:
                        row[name] = (after.cpu - before.cpu) / (after.requests - before.requests)
                if row.keys() == turns.keys():
                    rounds.append(row)
    os.close(nothing)
    _check_filtered(workload, sets, made)
    alone = statistics.median(row["nothing"] for row in rounds)
    for name in list(turns)[1:]:
        middle, low, high = interval([row[name] - row["nothing"] for row in rounds])
        share = [f"{100 * value / alone:+.1f}" for value in (middle, low, high)]
        yield (
            f"| {workload.name} | {name} | {alone / 1e3:.1f} µs | {middle:+,.0f} ns ({low:+,.0f} … {high:+,.0f}) "
            f"| {share[0]} % ({share[1]} … {share[2]}) | {len(rounds)} |"
        )


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="for each workload")
    parser.add_argument("--only", action="append", default=[], help="workloads whose name contains this")
    add_options(parser)
    options = parser.parse_args()
    workloads = [one for one in (NGINX, *REDIS) if not options.only or any(part in one.name for part in options.only)]
    if packages := missing_packages(workloads):
        sys.exit(f"programs of these workloads are not installed: apt-get install {' '.join(packages)}")
    sets = {f"the programs of {one.name}": Kernel(one.settings) for one in chosen(options)}
    print(HEAD, flush=True)
    for workload in workloads:
        for line in measure(workload, sets, options.seconds):
            print(line, flush=True)
    for one in sets.values():
        one.loader.close()


if __name__ == "__main__":
    main()
