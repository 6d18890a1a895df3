"""Age of an alert when its destination has it: from a real system call to each sink's far end.

    python -m benchmarks.latency [--only SINK] [--rate N] [--match exact|inexact] [--spool no|yes] [--beside N]

Each sink at 10, 1,000 and 5,000 alerts a second, of exact and of other matches (ADR 49), without and with a spool. The
destination takes the time when it has the whole record in hand, which is when it acknowledges; the alert carries the
kernel's time of the call. `--beside`: so many other opens a second, by 20 processes, that user space must judge, too.
`--mozu PYTHON` measures another environment.
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import signal
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.delivery import Site
from benchmarks.monitor import ROOT

RULE = """
- rule: A file is made
  desc: For the measurement.
  condition: evt.type = creat and fd.name {match}
  output: made %fd.name by %proc.cmdline (%container.id)
  priority: NOTICE
"""
_CREAT = 85
MATCHES = {"exact": "startswith {folder}", "inexact": "regex {folder}.*"}
"""Condition on the name: one that the kernel can test, and one that it cannot."""
BESIDE = """
- rule: Never
  desc: User space must judge each open of this file.
  condition: evt.type = openat and fd.name endswith /wanted and proc.name regex no.such.*
  output: never
  priority: NOTICE
"""


FLOODS = ROOT / "benchmarks/workloads/floods.c"


class Ages:
    """The ages of alerts, in ms, as they arrive."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def take(self, line: bytes) -> None:
        """Take one alert as JSON, with or without a header before it."""
        now, document = time.time_ns(), json.loads(line[line.index(b"{") :])
        if document["source"] == "syscall":
            self.found.append((now - document["output_fields"]["evt.time"]) / 1e6)


End = Callable[[Path, Ages], Any]
"""A context manager that yields the sink's settings."""


@contextmanager
def file_end(folder: Path, ages: Ages) -> Iterator[str]:
    """A reader at the heels of a file."""
    path, stopped = folder / "alerts.jsonl", threading.Event()
    path.touch()

    def follow() -> None:
        rest = b""
        with path.open("rb") as lines:
            while not stopped.is_set():
                rest += lines.readline()
                if rest.endswith(b"\n"):
                    ages.take(rest)
                    rest = b""
                else:
                    time.sleep(0.001)  # a file tells nobody that it grew

    reader = threading.Thread(target=follow)
    reader.start()
    yield f"file: {{format: json, path: {path}"
    stopped.set()
    reader.join()


@contextmanager
def stdout_end(folder: Path, ages: Ages) -> Iterator[str]:
    """mozu's own output, into a named pipe."""
    with reading(folder / "pipe", ages):
        yield "stdout: {format: json"


@contextmanager
def reading(pipe: Path, ages: Ages) -> Iterator[None]:
    """A named pipe, and a reader at its end until its last writer is gone."""
    os.mkfifo(pipe)

    def read() -> None:
        with pipe.open("rb") as lines:
            for line in lines:
                ages.take(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    yield
    reader.join(10)


@contextmanager
def syslog_end(folder: Path, ages: Ages) -> Iterator[str]:
    """A TCP server that counts octets."""

    class Reader(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while length := b"".join(iter(lambda: self.rfile.read(1).strip(), b"")):
                ages.take(self.rfile.read(int(length)))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Reader) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"syslog: {{format: json, transport: tcp, host: 127.0.0.1, port: {server.server_address[1]}"
        server.shutdown()


@contextmanager
def webhook_end(folder: Path, ages: Ages) -> Iterator[str]:
    """An HTTP server."""

    class Keeper(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            for line in self.rfile.read(int(self.headers["Content-Length"])).splitlines():
                ages.take(line)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield f"webhook: {{format: json, url: '{url}', allow_private: true, batch: ndjson"
        server.shutdown()


@contextmanager
def program_end(folder: Path, ages: Ages) -> Iterator[str]:
    """A program whose output comes back through a named pipe."""
    with reading(folder / "pipe", ages):
        command = json.dumps(["sh", "-c", f"exec cat > {folder}/pipe"])
        yield f"program: {{format: json, keep_alive: true, command: {command}"


ENDS: dict[str, End] = {
    "stdout": stdout_end, "file": file_end, "syslog": syslog_end, "webhook": webhook_end, "program": program_end,
}  # fmt: skip


class Case(NamedTuple):
    """The parameters of one row."""

    sink: str
    rate: int
    seconds: int
    match: str
    spooled: bool
    beside: int


def measure(case: Case, python: str) -> str:
    """Measure one row."""
    ages = Ages()
    total = case.rate * case.seconds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "wanted").touch()
        rule = RULE.format(match=MATCHES[case.match].format(folder=folder / "made"))
        (folder / "rules.yaml").write_text(rule + (BESIDE if case.beside else ""))
        with ENDS[case.sink](folder, ages) as sink:
            spool = f", spool: {{path: {folder}/s.db}}" if case.spooled else ""
            config = f"enrichers: []\nsinks:\n  - {sink}{spool}}}\n"
            output = folder / "pipe" if case.sink == "stdout" else Path(os.devnull)
            process = Site(folder, python).start(config, "-r", str(folder / "rules.yaml"), output=output)
            ready(process)
            with opening(folder, case.beside):
                actor = multiprocessing.get_context("fork").Process(target=act, args=(folder, case.rate, total))
                actor.start()
                actor.join()
            deadline = time.monotonic() + 30
            while len(ages.found) < total and time.monotonic() < deadline:
                time.sleep(0.01)  # what is under way arrives; the ends work on threads of their own
            process.terminate()
            process.communicate()
    cuts = statistics.quantiles(ages.found, n=100)
    cells = (
        case.sink, "yes" if case.spooled else "no", case.match, f"{case.rate:,}", f"{case.beside:,}",
        f"{cuts[49]:.1f} ms", f"{cuts[98]:.1f} ms", f"{len(ages.found):,} of {total:,}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


@contextmanager
def opening(folder: Path, rate: int) -> Iterator[None]:
    """Open files at this rate per second meanwhile, by 20 processes."""
    if not rate:
        yield
        return
    subprocess.run(["gcc", "-O2", "-o", folder / "floods", FLOODS], check=True)
    others = subprocess.Popen(
        [folder / "floods", "busy", "0", folder / "wanted", "20", str(rate)],
        start_new_session=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(others.pid, signal.SIGKILL)
        others.wait()


def ready(process: "subprocess.Popen[str]") -> None:
    """Until mozu watches."""
    assert process.stderr is not None
    for line in process.stderr:
        if "watching" in line:
            return
    raise SystemExit("mozu did not start")


def act(folder: Path, rate: int, total: int) -> None:
    """Create this many files, at this rate per second."""
    call, start = ctypes.CDLL(None).syscall, time.perf_counter()
    for number in range(total):
        os.close(call(_CREAT, f"{folder}/made-{number % 10}".encode(), 0o600))
        # the rate that is measured
        time.sleep(max(0.0, start + (number + 1) / rate - time.perf_counter()))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ENDS)
    parser.add_argument("--rate", type=int, action="append", default=[])
    parser.add_argument("--match", choices=MATCHES)
    parser.add_argument("--spool", choices=("no", "yes"))
    parser.add_argument("--beside", type=int, default=0)
    parser.add_argument("--mozu", default=sys.executable)
    options = parser.parse_args()
    print("| sink | spool | match | alerts/s | other opens/s | p50 | p99 | alerts |\n|---|---|---|---|---|---|---|---|")
    for name in [options.only] if options.only else ENDS:
        for rate in options.rate or (10, 1_000, 5_000):
            for match in [options.match] if options.match else MATCHES:
                for spooled in [options.spool == "yes"] if options.spool else (False, True):
                    case = Case(name, rate, 20 if rate < 100 else 5, match, spooled, options.beside)
                    print(measure(case, options.mozu), flush=True)


if __name__ == "__main__":
    main()
