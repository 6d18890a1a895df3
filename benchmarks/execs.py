"""Cost of rules on an exec: sets of rules in turns, on the execs of a build that none of them matches.

    python -m benchmarks.execs [--rules FILE ...] [--level low ...] [--rounds 15]

CPU time of the evaluator alone, with warm caches, in microseconds for one exec: least and median of the rounds.
"""

import argparse
import gc
import logging
import statistics
from collections.abc import Sequence
from typing import Final

from benchmarks.evaluator import cpu, made
from benchmarks.rule_sets import RuleSet, add_options, chosen
from mozu.core.api import Context, Metrics
from mozu.core.model.event import Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator

_EXECS: Final = 2000
_EACH: Final = 12
"""Processes that run each program."""
_ABOVE: Final = (
    ("systemd", "/usr/lib/systemd/systemd", ()),
    ("bash", "/usr/bin/bash", ()),
    ("make", "/usr/bin/make", ("-j2",)),
)
_PROGRAMS: Final = (
    ("gcc", "/usr/bin/x86_64-linux-gnu-gcc-12", ("-O2", "-c", "-o", "part.o", "part.c")),
    (
        "cc1",
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        ("-quiet", "-imultiarch", "x86_64-linux-gnu", "-dumpbase", "part.c", "-mtune=generic", "-o", "/tmp/a.s"),
    ),
    ("as", "/usr/bin/x86_64-linux-gnu-as", ("--64", "-o", "part.o", "/tmp/a.s")),
    ("sh", "/usr/bin/dash", ("-c", "gcc -O2 -c -o part.o part.c")),
)  # fmt: skip
_VARIABLES: Final = (
    *("SHELL", "PWD", "LOGNAME", "HOME", "LANG", "LS_COLORS", "TERM", "USER", "SHLVL", "PATH", "MAIL", "MAKEFLAGS"),
    *("MAKELEVEL", "MFLAGS", "COLLECT_GCC", "COLLECT_GCC_OPTIONS", "OLDPWD", "_"),
)


def processes() -> list[Process]:
    """Compilers, assemblers and shells below make, each with an environment of its own."""
    found: list[Process] = []
    for name, path, args in _PROGRAMS:
        for number in range(_EACH):
            parent: Task | None = None
            for tid, (comm, file, words) in enumerate((*_ABOVE, (name, path, (*args, str(number)))), 1):
                task = Task(tid)
                env = tuple(f"{variable}=value {number} of {variable.lower()}" for variable in _VARIABLES)
                one = Process(
                    task, tid, tid, parent, name=comm, exe=file, exepath=file, args=words, ptid=tid - 1,
                    cwd="/srv/build/part/", env=env,
                )  # fmt: skip
                task.newest, parent = one, task
            found.append(one)
    return found


def execs(who: Sequence[Process]) -> list[SyscallEvent]:
    """Return one exec after another by these processes in turn."""
    return [
        made("execve", number, who[number % len(who)], "", res=0, exe="gcc", filename="/usr/bin/gcc")
        for number in range(_EXECS)
    ]


def evaluator(rules: RuleSet) -> FalcoEvaluator:
    """Return an evaluator as in a run."""
    context = Context("falco", logging.getLogger("benchmark"), Metrics(), FieldRegistry(builtin_fields()))
    return FalcoEvaluator(rules.settings, context)


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    judges = {rules.name: evaluator(rules) for rules in chosen(options)}
    who = processes()
    for judge in judges.values():
        assert not list(judge.evaluate(execs(who))), "an exec is quiet"
    rounds: dict[str, list[float]] = {name: [] for name in judges}
    for _ in range(options.rounds):
        for name, judge in judges.items():
            events = execs(who)
            gc.collect()
            rounds[name].append(cpu(judge, events) / 1e3)
    print("| rules | least | median |", "|---|---|---|", sep="\n")
    for name, found in rounds.items():
        print(f"| {name} | {min(found):.1f} µs | {statistics.median(found):.1f} µs |")


if __name__ == "__main__":
    main()
