"""Cost of delivery: alerts per second through each sink with and without a spool, and a backlog of a million.

    python -m benchmarks.delivery [--alerts 200000] [--backlog 1000000] [--only PART]

Ready alerts from a source that can wait, through the whole of `mozu run`.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from benchmarks.monitor import ROOT

NOTICES: Final = 2
"""Alerts of mozu about itself that a run adds: that it started, and that it stopped."""


class Site:
    """A folder in which mozu runs with the plugin of the delivery tests."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self._python = folder, python
        plugins = folder / "site"
        metadata = plugins / "mozu_far_end-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-far-end\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mozu]\nfar_end = far_end\n")
        (plugins / "far_end.py").write_text((ROOT / "tests/support/far_end.py").read_text())
        own = f"{ROOT / 'src'}:" if python == sys.executable else ""
        self.env = {**os.environ, "PYTHONPATH": f"{own}{plugins}"}

    def start(self, config: str, *more: str, output: Path = Path(os.devnull)) -> "subprocess.Popen[str]":
        """`mozu run` with this configuration, whose standard output goes there."""
        path = self.folder / "mozu.yaml"
        path.write_text(config)
        command = [self._python, "-m", "mozu", "run", "-c", str(path), "--stats", str(self.folder / "stats"), *more]
        with output.open("wb") as stdout:
            return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=self.env)

    def statistics(self) -> Any:
        """Return the statistics of the last run."""
        return json.loads((self.folder / "stats").read_text())


def numbers(sink: str, total: int) -> str:
    """A configuration that sends so many alerts through one sink."""
    source = f"sources: [numbers: {{total: {total}, pause: 0, batch: 500}}]"
    rest = "enrichers: []\nevaluators: []\nstop_deadline: 600"
    return f"plugins: [far_end]\n{source}\n{rest}\nsinks:\n  - {sink}\n"


@contextmanager
def discarding() -> Iterator[int]:
    """A TCP server that reads and forgets; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_swallow, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def _swallow(connection: socket.socket) -> None:
    with connection:
        while connection.recv(1 << 20):
            pass


@contextmanager
def accepting() -> Iterator[int]:
    """An HTTP server that answers 200 to all; its port."""
    ready, ports, loop = threading.Event(), list[int](), asyncio.new_event_loop()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def start() -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    threading.Thread(target=serve, daemon=True).start()
    ready.wait()
    yield ports[0]
    loop.call_soon_threadsafe(loop.stop)


def throughput(alerts: int) -> None:
    """Alerts per second, sink by sink."""
    print("| sink | spool | alerts/s | CPU µs an alert |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, discarding() as syslog, accepting() as http:
        site = Site(Path(folder))
        hook = f"url: 'http://127.0.0.1:{http}/', allow_private: true, batch: ndjson"
        sinks = {
            "stdout": "stdout: {format: json",
            "file": f"file: {{format: json, path: {folder}/alerts.jsonl",
            "syslog": f"syslog: {{format: json, transport: tcp, host: 127.0.0.1, port: {syslog}",
            "webhook": f"webhook: {{format: json, {hook}",
        }
        for name, text in sinks.items():
            for spooled in (False, True):
                spool = f", spool: {{path: {folder}/{name}.db}}" if spooled else ""
                process = site.start(numbers(f"{text}{spool}}}", alerts))
                _, log = process.communicate()
                found = site.statistics()
                assert found["sinks"][name]["delivered"] == alerts + NOTICES, log
                rate, cpu = alerts / found["seconds"], found["cpu_seconds"] / alerts * 1e6
                print(f"| {name} | {'yes' if spooled else 'no'} | {rate:,.0f} | {cpu:.0f} |", flush=True)


def backlog(alerts: int) -> None:
    """A million alerts while the destination is down, then its return."""
    with tempfile.TemporaryDirectory() as folder:
        site, down, spool = Site(Path(folder)), Path(folder) / "down", Path(folder) / "s.db"
        down.touch()
        kept = f"spool: {{path: {spool}, bytes: 4000000000}}"
        sink = f"far_end: {{path: {folder}/out, down: {down}, format: json, {kept}}}"
        process = site.start(numbers(sink, alerts).replace("stop_deadline: 600", "stop_deadline: 1"))
        peak = 0
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status") as status:
                peak = max([peak, *(int(line.split()[1]) for line in status if line.startswith("VmRSS"))])
            time.sleep(0.2)
        first = site.statistics()
        size = spool.stat().st_size
        down.unlink()
        process = site.start(numbers(sink, 0))
        process.communicate()
        second = site.statistics()
        left, delivered = first["sinks"]["far_end"]["spooled"], second["sinks"]["far_end"]["delivered"]
        print(
            f"- {left:,} alerts spooled at {alerts / first['seconds']:,.0f}/s while the destination was down; resident "
            f"memory at most {peak / 1024:.0f} MiB; {size / left:.0f} bytes an alert on disk\n"
            f"- drained by the next run at {delivered / second['seconds']:,.0f}/s, in order",
            flush=True,
        )


def main() -> None:
    """Run all parts, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=200_000)
    parser.add_argument("--backlog", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("throughput", "backlog"))
    options = parser.parse_args()
    if options.only in (None, "throughput"):
        throughput(options.alerts)
    if options.only in (None, "backlog"):
        backlog(options.backlog)


if __name__ == "__main__":
    main()
