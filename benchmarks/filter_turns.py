"""Kernel filters of two checkouts in turns: the run of one `openat` that is discarded, at several depths of its path.

    python -m benchmarks.filter_turns --before CHECKOUT [--turns 6] [--rules FILE ...]

`CHECKOUT` is the directory of another checkout that `make setup` made ready. Each turn is `benchmarks.kernel_filters`
of one of them, in a process of its own; given are the least of all turns and their ratio. With `--rules` both judge by
the same files, without by their own default rules.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.monitor import ROOT

_ROW: Final = re.compile(r"^\| (/\S+) \|\s+([0-9]+) ns \|", re.MULTILINE)

Times = dict[str, int]
"""Path → ns."""


def times(printed: str) -> Times:
    """Return the times in a table of `benchmarks.kernel_filters`. A path whose open is not discarded has none."""
    return {path: int(ns) for path, ns in _ROW.findall(printed)}


def measured(checkout: Path, arguments: Sequence[str]) -> Times:
    """Measure one turn. On failure the command's own output explains it."""
    python = checkout / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "benchmarks.kernel_filters", *arguments],
        cwd=checkout, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return times(done.stdout)


def least(turns: Sequence[Times]) -> Times:
    """Return the least time of each path that was measured in every turn."""
    return {path: min(turn[path] for turn in turns) for path in turns[0] if all(path in turn for turn in turns)}


def rows(before: Times, since: Times) -> list[str]:
    """Return a row for each path that both have."""
    both = [(path, ns, since[path]) for path, ns in before.items() if path in since]
    return [f"| {path} | {old} ns | {new} ns | {new / old:.2f} |" for path, old, new in both]


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--rules", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    checkouts = options.before.resolve(), ROOT
    if not (checkouts[0] / ".venv" / "bin" / "python").exists():
        sys.exit(f"{checkouts[0]} has no .venv/bin/python: run make setup there")
    files = ["--rules", *(str(path.resolve()) for path in options.rules)] if options.rules else []
    found: tuple[list[Times], list[Times]] = ([], [])
    for _ in range(options.turns):
        for checkout, its in zip(checkouts, found, strict=True):
            its.append(measured(checkout, files))
    print("| an `openat` that is discarded | before | since | ratio |\n|---|---|---|---|")
    print(*rows(least(found[0]), least(found[1])), sep="\n")


if __name__ == "__main__":
    main()
