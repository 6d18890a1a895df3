"""python -m tests.trust [--minutes 1] [--pause 0.1] [--only TEXT]

Attempts as the user 65534 against two rules that kill with `where: either`: the kernel decides the one, mozu the other.
Prints a table in Markdown: attempts of each way, how many were killed, and in how many a byte was read. Exits with 1 if
a process that was to be killed lived on. Runs as root.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.responding import configured_rules
from tests.support.running import mozu_run
from tests.trust.attempts import Tally, attempt
from tests.trust.ways import TOO_SOON, built, ways

_OPENS: Final = "evt.type in (open, openat, openat2, creat) and"
TRAPS: Final = {"kernel": "fd.realpath", "user": "fd.paths"}
"""The killer → the field of its rule, which names a file."""
_HEAD: Final = """
| way | attempts | killed by the kernel | a byte read | attempts | killed by mozu | a byte read |
|---|---|---|---|---|---|---|"""


def configuration(folder: Path) -> Path:
    """Write a configuration with a trap for each field. The folder may be searched by every user."""
    folder.chmod(0o755)
    conditions = {}
    for name, field in TRAPS.items():
        (folder / name).write_text("bait")
        (folder / f"{name}-linked").hardlink_to(folder / name)
        conditions[name] = f"{_OPENS} {field} = {folder / name}"
    many = 1_000_000
    responders = [{"kill": {"id": name, "dry_run": False, "where": "either", "per_minute": many}} for name in TRAPS]
    return configured_rules(
        folder, conditions, responders, enrichers=[], respond={"per_account": many, "per_minute": many}
    )


def _outputs(alerts: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the texts of the alerts and of mozu's notices, with their times."""
    for alert in alerts:
        yield f"{alert['time']} {alert['rule']}: {alert['output']}"


def main() -> int:
    """Try all ways in turns until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.trust")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two attempts")
    parser.add_argument("--only", default="", help="ways whose name has this text")
    arguments = parser.parse_args()
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory(prefix="mozu-trust-", dir="/tmp") as place:
        folder = Path(place)
        path = configuration(folder)
        possible = [way for way in ways(built(folder)) if arguments.only in way.name]
        with mozu_run(folder, "-c", str(path)) as running:
            deadline = time.monotonic() + arguments.minutes * 60
            while possible and (time.monotonic() < deadline or not tallies):
                for way in list(possible):
                    for trap in TRAPS:
                        try:
                            outcome = attempt(way, folder / trap)
                        except TimeoutError:
                            print(f"not finished: {way.name} ({trap})", file=sys.stderr)
                            continue
                        if not outcome.is_possible:
                            print(f"not possible here: {way.name}", file=sys.stderr)
                            possible.remove(way)
                            break
                        tallies[way.name, trap].add(outcome)
                        if not outcome.was_killed:
                            lines = [f"lived on: {way.name} ({trap})", *_outputs(running.alerts)]
                            print(*lines, sep="\n  ", file=sys.stderr)
                        running.alerts.clear()
                        time.sleep(arguments.pause)
            running.stop()
    print(_HEAD)
    for name in dict.fromkeys(name for name, _ in tallies):
        both = [tallies[name, trap] for trap in TRAPS]
        print(f"| {name} | " + " | ".join(f"{one.attempts} | {one.killed} | {one.read}" for one in both) + " |")
    lived = {pair for pair, one in tallies.items() if one.killed < one.attempts}
    return int(not lived <= {(TOO_SOON, "user")})


if __name__ == "__main__":
    sys.exit(main())
