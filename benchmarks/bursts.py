"""Bursts of alerts: one process opens a file as fast as it can, each open is an alert, the far end of a sink counts.

    python -m benchmarks.bursts [--calls 200000] [--ring BYTES] [--only END] [--mozu PYTHON]

The real source and default settings, but for `--ring`, a ring buffer in which the whole burst finds room. The sinks are
stdout (into a pipe), file, syslog to a real rsyslogd (datagrams of the local socket, and a stream over TCP), and Kafka,
each alone in its run. What the ring buffer lost is counted apart from what a queue dropped. `--mozu` is the Python of
another mozu, whose sinks take the same settings.
"""

import argparse
import asyncio
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer

from tests.support.kafka.cluster import cluster
from tests.support.kafka.console import create
from tests.support.rsyslog import rsyslog

_SOURCE: Final = Path(__file__).parent / "workloads/calls.c"
_MARK: Final = b"burst by"
"""Text that only the alerts contain."""
RULES: Final = """
- rule: Burst
  desc: Every open of this file.
  condition: evt.type in (open, openat) and fd.name = {folder}/wanted
  output: burst by %proc.cmdline (pid %proc.pid, user %user.name, file %fd.name)
  priority: WARNING
"""
_QUIET: Final = 3.0
"""Seconds without a further alert after which none is under way."""
_PATIENCE: Final = 180.0


class End(NamedTuple):
    """The far end of a sink."""

    sink: str
    """Entry of the sink in the configuration."""
    arrived: Callable[[], int]
    """Alerts that have arrived."""


Made = Iterator[End]


class Piped:
    """Counts what comes out of a pipe, on a thread."""

    def __init__(self) -> None:
        self.arrived = 0
        self._rest = b""

    def read(self, stream: Any) -> None:
        """Until it ends."""
        while data := os.read(stream.fileno(), 1 << 16):
            whole, end, self._rest = (self._rest + data).rpartition(b"\n")
            self.arrived += (whole + end).count(_MARK)


@contextmanager
def file_end(folder: Path) -> Made:
    """A file of JSON lines, and those that were rotated."""
    yield End(
        f"file: {{path: {folder}/alerts.jsonl, format: json}}",
        lambda: sum(_plain(path).count(_MARK) for path in folder.glob("alerts.jsonl*")),
    )


def _plain(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def syslog_end(transport: str) -> Callable[[Path], Any]:
    """A real rsyslogd."""

    @contextmanager
    def made(folder: Path) -> Made:
        with rsyslog(folder) as daemon:
            to = f"path: {daemon.socket}" if transport == "local" else f"host: 127.0.0.1, port: {daemon.tcp}"
            yield End(
                f"syslog: {{transport: {transport}, {to}}}", lambda: sum(_is_burst(one) for one in daemon.received())
            )

    return made


def _is_burst(received: Any) -> bool:
    return _MARK.decode() in received["msg"]


@contextmanager
def kafka_end(folder: Path) -> Made:
    """A real broker, and a topic of six partitions."""
    with cluster(folder) as kafka:
        create(kafka, "bursts", partitions=6)
        servers = json.dumps(kafka.servers)
        yield End(
            f"kafka: {{bootstrap_servers: {servers}, topic: bursts, format: json}}",
            lambda: asyncio.run(_consumed(kafka.servers)),
        )


async def _consumed(servers: Any) -> int:
    """Alerts in the topic."""
    consumer: Any = AIOKafkaConsumer("bursts", bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    found = 0
    try:
        while batches := await consumer.getmany(timeout_ms=2_000, max_records=20_000):
            found += sum(_MARK in record.value for records in batches.values() for record in records)
    finally:
        await consumer.stop()
    return found


ENDS: Final[dict[str, Callable[[Path], Any] | None]] = {
    "stdout": None,
    "file": file_end,
    "syslog, datagrams": syslog_end("local"),
    "syslog, stream": syslog_end("tcp"),
    "kafka": kafka_end,
}


class Burst(NamedTuple):
    """The outcome of a burst."""

    calls: int
    lost: int
    """Events lost in the ring buffer."""
    alerts: int
    """Alerts that the sink accepted, without mozu's own notices."""
    dropped: int
    arrived: int
    """Alerts at the far end."""
    seconds: float
    """Seconds from the first call until the last alert was delivered."""
    peak: float
    """MiB resident at most."""


def burst(name: str, calls: int, ring: int | None = None, python: str = sys.executable) -> Burst:
    """Run one burst."""
    with tempfile.TemporaryDirectory(prefix="mozu-bursts-") as place:
        folder, made = Path(place), ENDS[name]
        (folder / "wanted").touch()
        subprocess.run(["gcc", "-O2", "-o", folder / "calls", _SOURCE], check=True)
        if made is None:
            piped = Piped()
            return _run(folder, End("stdout", lambda: piped.arrived), calls, ring, python, piped)
        with made(folder) as end:
            return _run(folder, end, calls, ring, python, None)


def _run(folder: Path, end: End, calls: int, ring: int | None, python: str, piped: Piped | None) -> Burst:
    (folder / "rules.yaml").write_text(RULES.format(folder=folder))
    size = "" if ring is None else f", source: {{ebpf: {{ring_size: {ring}}}}}"
    (folder / "mozu.yaml").write_text(f"sources: [syscalls: {{fallback: none{size}}}]\nsinks:\n  - {end.sink}\n")
    process = subprocess.Popen(
        [python, "-m", "mozu", "run", "-c", f"{folder}/mozu.yaml", "-r", f"{folder}/rules.yaml",
         "--stats", f"{folder}/stats", "-o", "stop_deadline=60"],
        stdout=subprocess.DEVNULL if piped is None else subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    if not any(b"watching" in line for line in process.stderr):
        raise SystemExit("mozu did not start")
    readers = [threading.Thread(target=process.stderr.read)]
    if piped is not None:
        readers.append(threading.Thread(target=piped.read, args=(process.stdout,)))
    for reader in readers:
        reader.start()
    begin = time.monotonic()
    subprocess.run([folder / "calls", "open", "1", str(calls), folder / "wanted"], check=True)
    seconds = _settled(process.pid) - begin
    peak = _resident(process.pid, "VmHWM")
    process.terminate()
    process.wait()
    for reader in readers:
        reader.join()
    found = json.loads((folder / "stats").read_text())
    (sink,) = found["sinks"].values()
    types = found["sources"]["syscalls"]["types"]
    lost = sum(types.get(kind, {}).get("lost", 0) for kind in ("open", "openat"))
    alerts = next(
        one["value"] for one in found["metrics"]
        if one["name"] == "rule_matches_total" and one["labels"].get("rule") == "Burst"
    )  # fmt: skip
    return Burst(calls, lost, alerts, sum(sink["dropped"].values()), end.arrived(), seconds, peak)


def _settled(pid: int) -> float:
    """Return the time when mozu was last busy: since then its CPU time has not grown, except by its ticks."""
    last, used = time.monotonic(), _cpu(pid)
    deadline = last + _PATIENCE
    while (now := time.monotonic()) < last + _QUIET and now < deadline:
        time.sleep(0.1)  # a sink may have written while its counter was read
        more = _cpu(pid)
        if more - used > 2:
            last = time.monotonic()
        used = more
    return last


def _cpu(pid: int) -> int:
    """Clock ticks (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _resident(pid: int, name: str) -> float:
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--ring", type=int)
    parser.add_argument("--only", choices=ENDS)
    parser.add_argument("--mozu", default=sys.executable)
    options = parser.parse_args()
    print("| sink | calls | lost in the ring buffer | alerts | dropped at the queue | arrived | seconds | peak RSS |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in [options.only] if options.only else ENDS:
        found = burst(name, options.calls, options.ring, options.mozu)
        print(
            f"| {name} | {found.calls:,} | {found.lost / found.calls:.0%} | {found.alerts:,} | {found.dropped:,} "
            f"| {found.arrived:,} | {found.seconds:.1f} | {found.peak:.0f} MiB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
