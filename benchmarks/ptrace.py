"""Cost of tracing: natively, under `mozu trace`, and under `strace -f` with a filter for the same calls.

    python -m benchmarks.ptrace [RUNS]

`--deny` has the same rule, which denies: each of the three calls is asked about before it runs.

Runs are interleaved; the table shows medians, of seconds and of processor seconds of everything together. On a machine
that has other work, the second is the one to look at. strace writes the calls to a file, as it would to be looked at.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PARTS: Final = 40
FILES: Final = 10_000
CALLS: Final = "openat,execve,connect"
RULE: Final = """
- rule: Never
  desc: Demands the three calls and matches none
  condition: evt.type in ({}) and proc.name = nobody-has-this-name
  output: never
  priority: DEBUG
"""
UNDEMANDED: Final = "import os\nfor _ in range(400_000): os.stat('/')"
"""A call that nobody asked for, again and again: what is left is the filter."""

Spent = tuple[float, float]
"""Seconds, processor seconds."""


def project(at: Path) -> None:
    """Write several files, each a compilation of its own, and a program of them all."""
    names = [f"part{number}" for number in range(PARTS)]
    for name in names:
        (at / f"{name}.c").write_text(f"#include <stdio.h>\nint {name}(void) {{ return puts(\"{name}\"); }}\n")
    calls = " ".join(f"{name}();" for name in names)
    (at / "main.c").write_text(f"{''.join(f'int {name}(void);' for name in names)}\nint main(void) {{ {calls} }}\n")
    objects = " ".join(f"{name}.o" for name in (*names, "main"))
    (at / "Makefile").write_text(f"whole: {objects}\n\tcc -o $@ {objects}\n")


def files(at: Path) -> None:
    """Write FILES small files."""
    (at / "files").mkdir()
    for number in range(FILES):
        (at / "files" / str(number)).write_text("x\n")


def measure(command: Sequence[str], at: Path) -> Spent:
    """Return the time of the command and all that it starts."""
    before = os.times()
    began = time.monotonic()
    subprocess.run(command, cwd=at, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


def ways(command: Sequence[str], calls: str = CALLS) -> Mapping[str, Sequence[str]]:
    """Return the command for each way of running it."""
    strace = ["strace", "-f", "--seccomp-bpf", "-e", f"trace={calls}", "-o", "strace.out", *command]
    return {
        "native": command,
        "mozu trace": [sys.executable, "-m", "mozu", "trace", "-r", "never.yaml", "--", *command],
        "mozu trace --deny": [sys.executable, "-m", "mozu", "trace", "-r", "deny.yaml", "--deny", "--", *command],
        **({"strace": strace} if shutil.which("strace") else {}),
    }


def table(title: str, found: Mapping[str, list[Spent]], start: Spent) -> None:
    """Print what each way adds to the native time. `start` is the time of mozu with nothing to do."""
    print(f"\n{title}\n")
    native = found["native"]
    for way, spent in found.items():
        shown = f"{way:20}"
        for kind in (0, 1):
            median = statistics.median(one[kind] for one in spent)
            added = statistics.median(one[kind] - base[kind] for one, base in zip(spent, native, strict=True))
            shown += f" {median:7.3f} s {added:+8.3f}"
        print(shown)
    own = statistics.median(one[1] - start[1] for one in found["mozu trace"])
    alone = statistics.median(one[1] for one in native)
    print(f"processor seconds under mozu without its start / native: {own / alone:.2f}")
    if "strace" in found:
        for kind, name in ((0, "seconds"), (1, "processor seconds")):
            pairs = [
                ((own[kind] - base[kind]), (other[kind] - base[kind]), start[kind])
                for own, other, base in zip(found["mozu trace"], found["strace"], native, strict=True)
            ]
            if min(other for _, other, _ in pairs) <= 0:
                continue  # strace adds less than the clock tells apart
            whole = statistics.median(own / other for own, other, _ in pairs)
            later = statistics.median((own - begin) / other for own, other, begin in pairs)
            print(f"added by mozu / added by strace, {name}: {whole:.2f}; without mozu's start: {later:.2f}")


def main() -> None:
    """Print the tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        project(at)
        files(at)
        rule = RULE.format(CALLS.replace(",", ", "))
        (at / "never.yaml").write_text(rule)
        (at / "deny.yaml").write_text(f"{rule}  mozu: {{respond: deny}}\n")
        works = {
            f"find | xargs cat of {FILES} files": ["sh", "-c", "find files -type f | xargs cat"],
            f"make of {PARTS} files in C": ["make", "-B", "-s"],
            "400,000 calls that nobody asked for": [sys.executable, "-c", UNDEMANDED],
        }
        spent: dict[str, dict[str, list[Spent]]] = {title: {} for title in works}
        starts: list[Spent] = []
        for number in range(1, runs + 1):
            print(f"run {number} of {runs}", file=sys.stderr, flush=True)
            starts.append(measure(ways(["true"])["mozu trace"], at))
            for title, command in works.items():
                for way, line in ways(command).items():
                    spent[title].setdefault(way, []).append(measure(line, at))
    start = (statistics.median(one[0] for one in starts), statistics.median(one[1] for one in starts))
    print(f"{runs} interleaved runs; medians of seconds and of processor seconds, and what is added to native")
    print(f"mozu trace -- true   {start[0]:7.3f} s          {start[1]:7.3f} s")
    for title, found in spent.items():
        table(title, found, start)


if __name__ == "__main__":
    main()
