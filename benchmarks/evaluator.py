"""python -m benchmarks.evaluator [RULES.yaml …]: what judging one event costs, in ns of CPU, and what loading costs.

Rule files default to the stable rules of the corpus (MOZU_CORPUS); they are measured with `rule_times`, and without.
Events are quiet: no rule matches them. Synthetic rules come in families; each family is measured with 25 and with 1,000
rules, with values that repeat and with values never seen before. Rounds are interleaved; the median of the rounds is
printed with the fastest and the slowest. Nothing here judges the numbers.
"""

import gc
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.stock import stable_rules
from mozu.core.api import Context, Metrics
from mozu.core.language.conditions import RuleInput, RuleProgram, compile_rules, parse
from mozu.core.language.rules import load
from mozu.core.model.event import File, Process, SyscallEvent, Task
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.syscalls import event_type
from mozu.plugins.rules.falco.rule_times import RuleTimes
from mozu.plugins.rules.falco.settings import FalcoSettings

_EVENTS = 5000
_ROUNDS = 9

OPEN = "evt.type in (open, openat, openat2)"
MIXED = ("paths", "prefixes", "suffixes", "names", "parts")

_chance = random.Random(1)


def word(length: int) -> str:
    return "".join(_chance.choices("abcdefghijklmnopqrstuvwxyz", k=length))


FAMILIES: dict[str, Callable[[int], str]] = {
    "paths": lambda n: f"{OPEN} and evt.is_open_read=true and fd.name=/srv/{word(6)}/{n} and not proc.name in (a, b)",
    "prefixes": lambda n: f"{OPEN} and fd.typechar=f and fd.name startswith /srv/{word(4 + n % 16)}/ and proc.name!=a",
    "suffixes": lambda n: f"{OPEN} and fd.name endswith .{word(4 + n % 6)} and proc.name != {word(4)}",
    "names": lambda n: f"{OPEN} and proc.name in ({word(5)}, {word(6)}) and fd.name contains {word(5)}",
    "parts": lambda n: f"{OPEN} and fd.name contains {word(5 + n % 6)}",
    "globs": lambda n: f"{OPEN} and fd.name glob /srv/*/{word(6)}/*",
    "any type": lambda n: f"fd.name = /x/{word(6)} and proc.pname = {word(4)}",
    "mixed": lambda n: FAMILIES[MIXED[n % len(MIXED)]](n),
}


def process() -> Process:
    """cc1 under make under bash under systemd."""
    parent = None
    chain = (
        ("systemd", "/usr/lib/systemd/systemd", ()),
        ("bash", "/usr/bin/bash", ()),
        ("make", "/usr/bin/make", ("all",)),
    )
    own = ("cc1", "/usr/libexec/gcc/cc1", ("-quiet", "-I", "/usr/include", "main.c", "-o", "/tmp/main.s"))
    for tid, (name, path, args) in enumerate((*chain, own), 1):
        task = Task(tid)
        made = Process(task, tid, tid, parent, name=name, exe=name, exepath=path, args=args, ptid=tid - 1, cwd="/src/")
        task.newest = made
        parent = task
    return made


def made(kind: str, number: int, who: Process, path: str, **params: object) -> SyscallEvent:
    declared = event_type(kind)
    assert declared is not None
    args = tuple(params.get(param.name) for param in declared.params)
    file = None if kind == "execve" else File("file", path, path, flags=1)
    fd = None if kind == "execve" else 5
    return SyscallEvent(
        "syscall", kind, 10**18 + number, number + 1, tid=4, pid=4, args=args, process=who, fd=fd, file=file
    )


def opens(paths: Callable[[int], str]) -> list[SyscallEvent]:
    who = process()
    result = []
    for number in range(_EVENTS):
        path = paths(number)
        result.append(
            made("openat", number, who, path, fd=5, dirfd=-100, name=path, flags=1, mode=0, dev=1, ino=number)
        )
    return result


def execs() -> list[SyscallEvent]:
    who = process()
    return [made("execve", number, who, "", res=0, exe="make", filename="/usr/bin/make") for number in range(_EVENTS)]


class Judge(Protocol):
    def evaluate(self, batch: Sequence[SyscallEvent], /) -> object: ...


Cases = dict[str, tuple[Judge, Callable[[], list[SyscallEvent]]]]


def cpu(judge: Judge, events: Sequence[SyscallEvent]) -> float:
    start = time.process_time_ns()
    judge.evaluate(events)
    return (time.process_time_ns() - start) / len(events)


def interleaved(cases: Cases) -> None:
    rounds: dict[str, list[float]] = {name: [] for name in cases}
    for judge, events in cases.values():
        judge.evaluate(events())
    for _ in range(_ROUNDS):
        for name, (judge, events) in cases.items():
            batch = events()
            gc.collect()
            rounds[name].append(cpu(judge, batch))
    for name, found in rounds.items():
        print(f"{name:<34} {statistics.median(found):7.0f} ns  ({min(found):.0f} … {max(found):.0f})")


def unseen() -> list[SyscallEvent]:
    return opens(lambda _: f"/usr/include/x86_64-linux-gnu/bits/types-{_chance.randrange(10**12)}.h")


def repeating() -> list[SyscallEvent]:
    return opens(lambda number: f"/usr/include/x86_64-linux-gnu/bits/types-{number % 200}.h")


def stock(files: Sequence[Path]) -> None:
    """The rules of files, on a quiet open for reading and a quiet exec."""
    fields = FieldRegistry(builtin_fields())
    start = time.process_time()
    result = load(files, fields)
    if not result.ok:
        sys.exit(result.report.verbose())
    program = compile_rules(
        [RuleInput(rule.name, rule.source, rule.checked.node) for rule in result.rules.rules], fields
    )
    for kind in program.event_types["syscall"]:
        program.source_of("syscall", kind)
    seconds = time.process_time() - start
    print(f"{len(program.rules)} rules read, checked and compiled for every type they name: {seconds:.3f} s of CPU")
    measured = Measured(program, fields)
    interleaved(
        {
            "quiet open for reading": (program, unseen),
            "with rule_times, open": (measured, unseen),
            "quiet exec": (program, execs),
            "with rule_times, exec": (measured, execs),
        }
    )


class Measured:
    """Judges as the evaluator does where rules are measured."""

    def __init__(self, program: RuleProgram, fields: FieldRegistry) -> None:
        context = Context("falco", logging.getLogger("benchmark"), Metrics(), fields)
        self._program, self._times = program, RuleTimes(program, context, FalcoSettings().rule_times)

    def evaluate(self, batch: Sequence[SyscallEvent]) -> None:
        self._times.sample(batch)
        self._program.evaluate(batch)


def synthetic() -> None:
    """Every family with few and with many rules."""
    fields = FieldRegistry(builtin_fields())
    cases: Cases = {}
    for family, make in FAMILIES.items():
        for count in (25, 1000):
            rules = [RuleInput(str(number), "syscall", parse(make(number))) for number in range(count)]
            start = time.process_time()
            program = compile_rules(rules, fields)
            program.source_of("syscall", "openat")
            print(f"{family} {count}: compiled in {time.process_time() - start:.3f} s of CPU")
            cases[f"{family} {count}, new values"] = program, unseen
            cases[f"{family} {count}, known values"] = program, repeating
    interleaved(cases)


if __name__ == "__main__":
    if given := [Path(name) for name in sys.argv[1:]] or stable_rules():
        stock(given)
    else:
        print("no rules of Falco: give files as arguments, or set MOZU_CORPUS")
    synthetic()
