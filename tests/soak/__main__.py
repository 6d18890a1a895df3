"""python -m tests.soak [--processes 12500] [--threads 1] [--rate 300] [--minutes 30] [--rules FILE …]"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.stock import rules_or_stable
from tests.soak.run import Plan, report, soak


def main() -> int:
    """Run the program; return 0 if memory, state, descriptors and accounts are in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=12_500)
    parser.add_argument("--threads", type=int, default=1, help="beside the main one of each process")
    parser.add_argument("--rate", type=int, default=300, help="short processes a second")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rules", type=Path, action="append", default=[])
    options = parser.parse_args()
    plan = Plan(options.processes, options.threads, options.rate, options.minutes * 60)
    rules = rules_or_stable(options.rules)
    with tempfile.TemporaryDirectory(prefix="mozu-soak-") as folder:
        outcome = soak(plan, rules, Path(folder), lambda line: print(line, flush=True))
    return 0 if report(outcome, sys.stdout) else 1


if __name__ == "__main__":
    sys.exit(main())
