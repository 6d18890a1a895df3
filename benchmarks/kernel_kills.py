"""Cost of rules that kill in the kernel for calls that they do not match.

    python -m benchmarks.kernel_kills [--only CALL ...] [--rounds 9] [--turns 4]

For each call mozu runs with one rule about it and a responder `kill`. In each round a program makes such calls that
the rule does not match while mozu does not run; then mozu starts, and by reloads the program does so in turns while
mozu kills for the rule and while the kernel does (`where`). Counted is the CPU time of the program, so mozu's own is
not in it. Given are the medians for a call, what watching adds, and what the kernel's kills add to that, in ns and in
percent of what watching adds. The responder is in a dry run, so that nothing else of the machine is killed.
"""

import argparse
import json
import resource
import signal
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.delivery import Site
from benchmarks.monitor import end

_PROGRAM: Final = Path(__file__).parent / "workloads/one_call.c"


class Case(NamedTuple):
    """A call, and a rule about calls like it."""

    verb: str
    """The verb of the program one_call.c; `{other}` in `argument` is a program that ends at once."""
    argument: str
    times: int
    condition: str


CASES: Final = {
    "open": Case(
        "open", "/usr/lib/x86_64-linux-gnu/libc.so.6", 200_000,
        "evt.type in (open, openat, openat2, creat) and fd.realpath in (/etc/shadow, /etc/gshadow)",
    ),
    "exec": Case(
        "exec", "{other}", 2_000,
        "evt.type in (execve, execveat) and evt.res = SUCCESS and proc.is_exe_upper_layer = true",
    ),
    "connect": Case(
        "reach", "-", 20_000, "evt.type = connect and fd.sip = 192.0.2.9 and fd.sport = 4711 and fd.l4proto = tcp"
    ),
    "ptrace": Case(
        "ptrace", "-", 400_000,
        "evt.type = ptrace and evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE) and evt.rawres = 0",
    ),
    "dup": Case(
        "dup", "-", 400_000,
        "evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)",
    ),
}  # fmt: skip


class Run:
    """mozu with the rule of one case."""

    def __init__(self, folder: Path, case: Case) -> None:
        self._folder, self._site = folder, Site(folder)
        rule = {"rule": "r", "desc": "r", "condition": case.condition, "output": "%proc.pid", "priority": "NOTICE"}
        (folder / "rules.yaml").write_text(json.dumps([rule]))
        self._mozu: subprocess.Popen[str] | None = None

    def enter(self, where: str) -> None:
        """Let mozu or the kernel kill; mozu is started if it does not run."""
        config = {
            "state_dir": str(self._folder / "state"), "enrichers": [], "sinks": ["stdout"], "sources": [{"ebpf": {}}],
            "evaluators": [{"falco": {"rules": [str(self._folder / "rules.yaml")]}}],
            "responders": [{"kill": {"rules": ["r"], "where": where}}],
        }  # fmt: skip
        if self._mozu is None:
            self._mozu = self._site.start(json.dumps(config))
            self._wait("watching")
        else:
            (self._folder / "mozu.yaml").write_text(json.dumps(config))
            self._mozu.send_signal(signal.SIGHUP)
            self._wait("reloaded")

    def leave(self) -> None:
        """mozu does not run."""
        if self._mozu is not None:
            end(self._mozu)
            self._mozu = None

    def _wait(self, word: str) -> None:
        assert self._mozu is not None
        assert self._mozu.stderr is not None
        if not any(word in line for line in self._mozu.stderr):
            raise SystemExit(f"mozu ended and did not say {word!r}")


def cpu_of(command: list[str]) -> float:
    """Seconds of CPU that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name: str, rounds: int, turns: int) -> str:
    """A row."""
    case = CASES[name]
    alone, watched, added = [], [], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for target in ("one_call", "other"):
            subprocess.run(["gcc", "-O2", "-static", "-o", folder / target, _PROGRAM], check=True)
        argument = case.argument.format(other=folder / "other")
        command = [str(folder / "one_call"), str(case.times), case.verb, argument]
        run = Run(folder, case)
        try:
            for _ in range(rounds):
                run.leave()
                base = _ns(command, case)
                alone.append(base)
                for _ in range(turns):
                    run.enter("user")
                    by_mozu = _ns(command, case)
                    run.enter("kernel")
                    added.append(_ns(command, case) - by_mozu)
                    watched.append(by_mozu - base)
        finally:
            run.leave()
    watching, more, (low, high) = statistics.median(watched), statistics.median(added), _interval(added)
    cells = (
        name, f"{statistics.median(alone):,.0f} ns", f"{watching:,.0f} ns",
        f"{more:,.0f} ns ({low:,.0f} to {high:,.0f})",
        f"{100 * more / watching:.1f} %" if high - low < watching else "not to be seen",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _ns(command: list[str], case: Case) -> float:
    return cpu_of(command) / case.times * 1e9


def _interval(found: list[float]) -> tuple[float, float]:
    """Return the interval in which the median lies in 95 of 100 cases: order statistics by the normal approximation of
    the binomial distribution."""
    ordered, half = sorted(found), 0.98 * len(found) ** 0.5
    low, high = round(len(found) / 2 - half), round(len(found) / 2 + half)
    return ordered[max(0, low - 1)], ordered[min(len(found) - 1, high)]


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, nargs="*", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    print("| call | alone | watching adds | kills in the kernel add | of what watching adds |\n|---|---|---|---|---|")
    for name in options.only:
        print(measure(name, options.rounds, options.turns), flush=True)


if __name__ == "__main__":
    main()
