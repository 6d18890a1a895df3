"""How old an alert is when its destination has it: from a real system call to each sink's far end.

    python -m benchmarks.latency [--only SINK]

Each sink at 10 and at 1,000 alerts a second, without and with a spool. The destination takes the time when it has the
whole record in hand, which is when it acknowledges; the alert carries the kernel's time of the call.
"""

import argparse
import ctypes
import json
import os
import socketserver
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.delivery import Site

RULE = """
- rule: A file is made
  desc: For the measurement.
  condition: evt.type = creat and fd.name startswith {folder}
  output: made %fd.name by %proc.cmdline (%container.id)
  priority: NOTICE
"""
_CREAT = 85


class Ages:
    """Of alerts, in ms, as they arrive."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def take(self, line: bytes) -> None:
        """One alert as JSON, perhaps behind a header."""
        now, document = time.time_ns(), json.loads(line[line.index(b"{") :])
        if document["source"] == "syscall":
            self.found.append((now - document["output_fields"]["evt.time"]) / 1e6)


End = Callable[[Path, Ages], Any]
"""A context manager that gives the sink's settings."""


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
    pipe = folder / "pipe"
    os.mkfifo(pipe)

    def read() -> None:
        with pipe.open("rb") as lines:
            for line in lines:
                ages.take(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    command = json.dumps(["sh", "-c", f"exec cat > {pipe}"])
    yield f"program: {{format: json, keep_alive: true, command: {command}"
    reader.join(10)


ENDS: dict[str, End] = {"file": file_end, "syslog": syslog_end, "webhook": webhook_end, "program": program_end}


def measure(name: str, rate: int, seconds: int, *, spooled: bool) -> str:
    """One row."""
    ages = Ages()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules.yaml").write_text(RULE.format(folder=folder / "made"))
        with ENDS[name](folder, ages) as sink:
            spool = f", spool: {{path: {folder}/s.db}}" if spooled else ""
            process = Site(folder).start(f"sinks:\n  - {sink}{spool}}}\n", "-r", str(folder / "rules.yaml"))
            ready(process)
            act(folder, rate, rate * seconds)
            deadline = time.monotonic() + 30
            while len(ages.found) < rate * seconds and time.monotonic() < deadline:
                time.sleep(0.01)  # what is under way arrives; the ends work on threads of their own
            process.terminate()
            process.communicate()
    cuts = statistics.quantiles(ages.found, n=100)
    kept = "yes" if spooled else "no"
    return f"| {name} | {kept} | {rate:,} | {cuts[49]:.0f} ms | {cuts[98]:.0f} ms | {len(ages.found):,} |"


def ready(process: "subprocess.Popen[str]") -> None:
    """Until mozu watches."""
    assert process.stderr is not None
    for line in process.stderr:
        if "watching" in line:
            return
    raise SystemExit("mozu did not start")


def act(folder: Path, rate: int, total: int) -> None:
    """So many files made, so many a second."""
    call, start = ctypes.CDLL(None).syscall, time.perf_counter()
    for number in range(total):
        os.close(call(_CREAT, f"{folder}/made-{number % 10}".encode(), 0o600))
        # the rate that is measured
        time.sleep(max(0.0, start + (number + 1) / rate - time.perf_counter()))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ENDS)
    options = parser.parse_args()
    print("| sink | spool | alerts/s | p50 | p99 | alerts |\n|---|---|---|---|---|---|")
    for name in [options.only] if options.only else ENDS:
        for rate, seconds in ((10, 20), (1_000, 10)):
            for spooled in (False, True):
                print(measure(name, rate, seconds, spooled=spooled), flush=True)


if __name__ == "__main__":
    main()
