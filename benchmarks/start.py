"""Cost of a start: time and CPU until the first alert, and memory afterwards, of several commands in turn.

    python -m benchmarks.start --rules FILE NAME=COMMAND...

Each COMMAND is that of a monitor, such as `.venv/bin/mozu`, and gets `run -r FILE --json`. Another process reads
/etc/shadow all the time, so an alert is raised as soon as the monitor can. CPU is that of the monitor and of the
children it has waited for, by /proc/PID/stat; memory is the resident set after --settle seconds.
"""

import argparse
import contextlib
import os
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

_TRIGGER: Final = "import time\nwhile True:\n    open('/etc/shadow').close()\n    time.sleep(0.01)\n"
_TICK: Final = os.sysconf("SC_CLK_TCK")
_SHOWN: Final = b"/etc/shadow"
"""Text in the alert, and not in the notice that mozu has started."""
_LONGEST: Final = 120.0
"""Seconds that a first alert may take."""
_ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Environment with bytecode: an installed mozu has it, and a checkout from the second start on."""
_HEAD: Final = "| start | first alert, s | CPU until then, s | RSS, MB | starts |\n|---|---|---|---|---|"


class Start(NamedTuple):
    """The measurement of one start."""

    alert: float
    """Seconds from exec to the first alert."""
    cpu: float
    """Seconds of CPU until then, children included."""
    rss: float
    """Megabytes some time later."""


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def rss(pid: int) -> float:
    """Megabytes of the resident set."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1000


def started(command: Sequence[str], settle: float) -> Start:
    """Start a monitor, wait for its first alert, look at it, stop it."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=_ENVIRONMENT)
        assert process.stdout is not None
        try:
            raised = _wait_alert(process.stdout.fileno(), began + _LONGEST)
            alert, used = time.monotonic() - began, cpu(process.pid) if process.poll() is None else 0.0
            if not raised:
                said.seek(0)
                raise SystemExit(f"{shlex.join(command)} raised no alert:\n{said.read().decode(errors='replace')}")
            drained = time.monotonic() + settle
            while (left := drained - time.monotonic()) > 0:
                if select.select([process.stdout], [], [], left)[0]:
                    os.read(process.stdout.fileno(), 1 << 16)
            return Start(alert, used, rss(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _wait_alert(output: int, until: float) -> bool:
    """Return True if an alert comes before the deadline (time.monotonic)."""
    read = b""
    while _SHOWN not in read:
        if not select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
            return False
        some = os.read(output, 1 << 16)
        if not some:
            return False
        read = read[-len(_SHOWN) :] + some
    return True


@contextlib.contextmanager
def trigger() -> Iterator[None]:
    """While something reads /etc/shadow all the time."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", _TRIGGER])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def row(name: str, starts: Sequence[Start]) -> str:
    """Medians, with the least and the most."""
    columns = [
        f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} … {max(values):.{digits}f})"
        for digits, values in zip((2, 2, 1), zip(*starts, strict=True), strict=True)
    ]
    return f"| {name} | {' | '.join(columns)} | {len(starts)} |"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--settle", type=float, default=3.0)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    found: dict[str, list[Start]] = defaultdict(list)
    with trigger():
        for _ in range(options.rounds):
            for one in options.commands:
                name, _, command = one.partition("=")
                arguments = [*shlex.split(command), "run", "-r", str(options.rules), "--json"]
                found[name].append(started(arguments, options.settle))
    print(_HEAD)
    for name, starts in found.items():
        print(row(name, starts))


if __name__ == "__main__":
    main()
