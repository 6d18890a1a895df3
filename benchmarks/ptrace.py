"""What tracing costs: a build of a small C project natively, under `mozu trace`, and under `strace -f` with a filter.

    python -m benchmarks.ptrace [RUNS]

Runs are interleaved; the table shows medians. strace writes the same calls to a file, as it would to be looked at.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FILES: Final = 40
CALLS: Final = "openat,execve,connect"
RULE: Final = """
- rule: Never
  desc: Demands the three calls and matches none
  condition: evt.type in (openat, execve, connect) and proc.name = nobody-has-this-name
  output: never
  priority: DEBUG
"""


def project(at: Path) -> None:
    """Some files, each a compilation of its own, and a program of them all."""
    names = [f"part{number}" for number in range(FILES)]
    for name in names:
        (at / f"{name}.c").write_text(f"#include <stdio.h>\nint {name}(void) {{ return puts(\"{name}\"); }}\n")
    calls = " ".join(f"{name}();" for name in names)
    (at / "main.c").write_text(f"{''.join(f'int {name}(void);' for name in names)}\nint main(void) {{ {calls} }}\n")
    objects = " ".join(f"{name}.o" for name in (*names, "main"))
    (at / "Makefile").write_text(f"whole: {objects}\n\tcc -o $@ {objects}\n")


def measure(command: Sequence[str], at: Path) -> float:
    """Seconds."""
    began = time.monotonic()
    subprocess.run(command, cwd=at, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    build = ["make", "-B", "-s"]
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        project(at)
        (at / "never.yaml").write_text(RULE)
        ways = {
            "native": build,
            "mozu trace": [sys.executable, "-m", "mozu", "trace", "-r", "never.yaml", "--", *build],
            "mozu, nothing to do": [sys.executable, "-m", "mozu", "trace", "-r", "never.yaml", "--", "true"],
        }
        if shutil.which("strace"):
            ways["strace"] = ["strace", "-f", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", "strace.out", *build]
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(runs):
            for way, command in ways.items():
                times[way].append(measure(command, at))
    native = statistics.median(times["native"])
    for way, found in times.items():
        median = statistics.median(found)
        spread = f"of {runs}: {min(found):.3f} to {max(found):.3f}"
        print(f"{way:20} {median:7.3f} s   {median - native:+7.3f} s   ({spread})")


if __name__ == "__main__":
    main()
