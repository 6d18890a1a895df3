"""A whole mozu: no 200 for an alert that was dropped; a flood of clients takes no descriptor from sinks."""

import asyncio
import json
import re
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from tests.support.falco_http import payload
from tests.support.running import Running, mozu_run

DESCRIPTORS: Final = 256
"""Number of descriptors that mozu may have open in a flood of more clients."""


def config(folder: Path, *sinks: Any, **settings: Any) -> str:
    document = {
        "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "none", **settings}}],
        "enrichers": [],
        "evaluators": [],
        "sinks": ["stdout", *sinks],
    }
    path = folder / "mozu.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def listening(running: Running) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", running.wait_log("listening for Falco"))
    assert found is not None
    return found[0]


async def post(url: str, bodies: list[Any]) -> list[tuple[int, str]]:
    async with aiohttp.ClientSession() as session:
        answers = []
        for body in bodies:
            async with session.post(url, json=body) as answer:
                answers.append((answer.status, await answer.text()))
        return answers


def test_every_200_is_of_an_alert_that_is_in_the_spool(tmp_path: Path) -> None:
    spool = {"path": str(tmp_path / "s.db"), "bytes": 100_000}
    hook = {"webhook": {"url": "http://127.0.0.1:1/", "allow_private": True, "format": "json", "spool": spool}}
    bodies = [[payload(100 * n + m) for m in range(100)] for n in range(20)]
    with mozu_run(tmp_path, "-c", config(tmp_path, hook), "-o", "stop_deadline=1") as running:
        answers = asyncio.run(post(listening(running), bodies))
        statistics = running.stop()
    taken = sum(100 for status, _ in answers if status == 200)
    assert {200, 503} == {status for status, _ in answers}
    reports = [text for status, text in answers if status == 503]
    reported = [
        re.search(r"(\d+) of 100 alerts were dropped: \1 \(sink webhook: spool full\)", text) for text in reports
    ]
    dropped = [int(one[1]) for one in reported if one is not None]
    assert len(reports) == len(dropped)
    assert statistics["sinks"]["webhook"]["dropped"]["spool full"] == sum(dropped)
    assert taken + 100 * len(reports) - sum(dropped) <= statistics["sinks"]["webhook"]["spooled"]
    refused = [m["value"] for m in statistics["metrics"] if m["name"] == "http_refused_total"]
    assert [len(reports)] == refused


def test_a_flood_of_half_open_clients_stops_neither_posts_nor_the_reconnect_of_a_sink(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    try:
        _flood(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _flood(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as clients:
        server.settimeout(30)
        sink = {"syslog": {"transport": "tcp", "host": "127.0.0.1", "port": server.getsockname()[1]}}
        limits = {"max_connections": 5_000, "max_connections_per_peer": 5_000}
        through = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh"]
        arguments = ("-c", config(folder, sink, **limits), "-o", "stop_deadline=1")
        with mozu_run(folder, *arguments, through=through) as running:
            url = listening(running)
            port = int(url.rpartition(":")[2])
            for _ in range(DESCRIPTORS + 40):
                client = clients.enter_context(socket.create_connection(("127.0.0.1", port), 10))
                client.sendall(b"POST / HTTP/1.1\r\nX-")
            answer = asyncio.run(_posted_while_the_sink_connects(url, server))
            statistics = running.stop()
    assert 200 == answer
    refused = {m["labels"]["reason"]: m["value"] for m in statistics["metrics"] if m["name"] == "http_refused_total"}
    assert refused["half-open"] >= DESCRIPTORS + 40 - DESCRIPTORS // 2
    assert "descriptors" not in refused


async def _posted_while_the_sink_connects(url: str, server: socket.socket) -> int:
    """Return the status of a post; the sink's first connection is closed, so that it must make another."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_status(session, url))
        first, _ = await asyncio.to_thread(server.accept)
        first.close()
        second, _ = await asyncio.to_thread(server.accept)
        with second:
            return await task


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    for number in range(100):
        async with session.post(url, data=json.dumps(payload(number))) as answer:
            status = answer.status
        await asyncio.sleep(0.02)
    return status
