"""Monitors side by side where events are wanted: how many they can judge, what a flood costs, how late alerts are.

    python -m benchmarks.side_by_side [--rounds 3] [--only ROW ...] [--mozu NAME PYTHON ...]
                                      [--other NAME COMMAND READY LOST ...] [--write docs/operate/benchmarks.md]

A monitor is a command line that writes alerts as JSON lines with `rule` and `output_fields` on its standard output.
This checkout is one; `--mozu` adds another checkout by the Python of its environment; `--other` any command in which
{rules} stands for the file of rules, with regular expressions for what it writes once it watches, and for the number of
events that it says it lost (empty: it does not say). For Falco, which prints its drops with its statistics at the end:

    --other Falco "falco -U -r {rules} -o json_output=true" "Opening '.*' source" "n_drops: *([0-9]+)"

All monitors take their turns within a round, one row after the other; a cell is the median, in brackets least and most.
Rows that count (what survives a flood, what arrives of a burst) are measured in the first round only. A whole run takes
some five minutes for each monitor with one round, and three more with each further one.

`--write` puts the table into a page, in the place of what stands there between the lines of `place.py`.
"""

import argparse
import math
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.place import conditions, put
from benchmarks.wanted_rows import ROWS, Rows
from benchmarks.watcher import Site, Watcher, prepared


def monitors(options: argparse.Namespace) -> list[Watcher]:
    """Return the monitors, this checkout first."""
    mozu = "{} -m mozu run --json --stats {{stats}} -r {{rules}}"
    checkouts = [("this", sys.executable), *options.mozu]
    found = [Watcher(name, mozu.format(shlex.quote(python)), r"watching \d+ event", "") for name, python in checkouts]
    return [*found, *(Watcher(*other) for other in options.other)]


def measured(rows: Rows, watchers: Sequence[Watcher], site: Site, rounds: int) -> list[str]:
    """The lines of a table."""
    found: list[list[Sequence[float]]] = [[] for _ in watchers]
    for _ in range(1 if rows.is_count else rounds):
        for watcher, its in zip(watchers, found, strict=True):
            its.append(rows.measure(watcher, site))
    return [
        f"| {name} | {' | '.join(cell([one[place] for one in its], unit) for its in found)} |"
        for place, (name, unit) in enumerate(rows.names)
    ]


def cell(values: Sequence[float], unit: str) -> str:
    """Median, least and most; a dash where a monitor does not say."""
    if any(map(math.isnan, values)):
        return "–"
    form = ",.0f" if all(value == round(value) or abs(value) >= 10 for value in values) else ".2f"
    spread = f" ({min(values):{form}} … {max(values):{form}})" if len(values) > 1 else ""
    return f"{statistics.median(values):{form}}{unit}{spread}"


def main() -> None:
    """Print the table as Markdown, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="rows whose name contains this")
    parser.add_argument("--mozu", action="append", nargs=2, default=[], metavar=("NAME", "PYTHON"))
    parser.add_argument("--other", action="append", nargs=4, default=[], metavar=("NAME", "COMMAND", "READY", "LOST"))
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    watchers, begun, about = monitors(options), time.monotonic(), conditions()
    lines = [f"| | {' | '.join(watcher.name for watcher in watchers)} |", f"|---|{'---|' * len(watchers)}"]
    print("\n".join(lines), flush=True)
    with prepared() as site:
        for rows in ROWS:
            if options.only and not any(part in name for part in options.only for name, _ in rows.names):
                continue
            fresh = measured(rows, watchers, site, options.rounds)
            print("\n".join(fresh), flush=True)
            lines += fresh
    heading = f"{about}; rounds: {options.rounds}, in {(time.monotonic() - begun) / 60:.0f} minutes."
    print(f"\n{heading}")
    if options.write is not None:
        put(options.write, "side_by_side", f"{heading}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
