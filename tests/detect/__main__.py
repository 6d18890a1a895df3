"""python -m tests.detect [--minutes 60] [--short] [--rules FILE …]: ordinary work beside mozu's own rules."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.detect.ground import WorkAlerts, do, ground, reported, table
from tests.detect.precision import shares, write
from tests.detect.work import works


def main() -> int:
    """Run the program; return 0 if nothing was raised at WARNING or above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the work is repeated; at least once")
    parser.add_argument("--short", action="store_true", help="only what CI does")
    parser.add_argument("--only", action="append", default=[], help="only works whose name contains this")
    parser.add_argument("--rules", type=Path, action="append", default=[], help="other rules, for comparison")
    parser.add_argument("--page", type=Path, help="the page whose table of precision is written again")
    parser.add_argument("--alerts", type=Path, help="a file for each alert of the work, a JSON text a line")
    options = parser.parse_args()
    chosen = [
        work
        for work in works()
        if (work.short or not options.short) and (not options.only or any(word in work.name for word in options.only))
    ]
    arguments = [word for path in options.rules for word in ("-r", str(path))]
    done: list[WorkAlerts] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mozu-detect-") as folder, ground(Path(folder), *arguments) as beside:
        while len(done) < len(chosen) or time.monotonic() - begun < options.minutes * 60:
            done.append(do(chosen[len(done) % len(chosen)], beside, len(done)))
            reported(done[-1], lambda line: print(line, flush=True))
            if options.alerts is not None:
                with options.alerts.open("a") as file:
                    file.writelines(f"{json.dumps(alert)}\n" for alert in done[-1].alerts)
        statistics = beside.mozu.stop()
    print(table(alert for result in done for alert in result.alerts))
    print("raised by others meanwhile, not judged:")
    print(table(alert for result in done for alert in result.others))
    print(shares(statistics))
    if options.page is not None:
        write(options.page, done, (time.monotonic() - begun) / 60, statistics)
    loud = sum(len(result.loud) for result in done)
    print(f"{len(done)} pieces of work, {sum(result.code != 0 for result in done)} not done, {loud} loud alerts")
    return 1 if loud else 0


if __name__ == "__main__":
    sys.exit(main())
