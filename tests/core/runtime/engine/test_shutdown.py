"""The stop of a run: alerts safe in a spool are not waited for while their destination is down or silent, and no error
is printed; a signal during the start, or a second one, ends mozu.
"""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.falco_http import payload
from tests.support.running import PATIENCE, Running, mozu_run

ALERTS = 20
FAR = 3600
"""Seconds of a stop deadline: a stop that waits for it fails the test."""


@contextmanager
def silent() -> Iterator[int]:
    """Yield the port of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def closed() -> Iterator[int]:
    """Yield a port without a listener."""
    yield 1


def sink(name: str, port: int, folder: Path) -> dict[str, Any]:
    settings: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap_servers": [f"127.0.0.1:{port}"]},
        "webhook": {"url": f"http://127.0.0.1:{port}/", "allow_private": True, "format": "json"},
        "syslog": {"transport": "tcp", "host": "127.0.0.1", "port": port},
    }
    return {name: {**settings[name], "spool": {"path": str(folder / "spool.db")}}}


def config(folder: Path, *sinks: Any, deadline: float = FAR) -> str:
    path = folder / "mozu.yaml"
    document = {
        "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "none"}}],
        "enrichers": [],
        "evaluators": [],
        "sinks": ["stdout", *sinks],
        "stop_deadline": deadline,
        "state_dir": str(folder / "state"),
    }
    path.write_text(json.dumps(document))
    return str(path)


async def post(running: Running) -> int:
    found = re.search(r"http://127\.0\.0\.1:\d+", running.wait_log("listening for Falco"))
    assert found is not None
    alerts = [payload(number) for number in range(ALERTS)]
    async with aiohttp.ClientSession() as session, session.post(found[0], json=alerts) as answer:
        return answer.status


@pytest.mark.parametrize("destination", [closed, silent], ids=["down", "silent"])
@pytest.mark.parametrize("name", ["kafka", "webhook"])
def test_alerts_in_a_spool_are_not_waited_for(tmp_path: Path, name: str, destination: Any) -> None:
    with destination() as port, mozu_run(tmp_path, "-c", config(tmp_path, sink(name, port, tmp_path))) as running:
        assert asyncio.run(post(running)) == 200
        before = len(running.log)
        statistics = running.stop()
    kept = statistics["sinks"][name]
    assert kept["spooled"] == kept["accepted"] >= ALERTS
    assert [line for line in running.log[before:] if "error" in line.lower()] == []


def test_a_spool_whose_destination_takes_alerts_is_delivered_first(tmp_path: Path) -> None:
    file = {"file": {"path": str(tmp_path / "alerts.log"), "spool": {"path": str(tmp_path / "spool.db")}}}
    with mozu_run(tmp_path, "-c", config(tmp_path, file)) as running:
        assert asyncio.run(post(running)) == 200
        kept = running.stop()["sinks"]["file"]
    assert (kept["delivered"], kept["spooled"]) == (kept["accepted"], 0)
    assert "mozu stopped" in (tmp_path / "alerts.log").read_text() or kept["accepted"] > ALERTS


def test_a_second_signal_ends_a_stop_that_waits(tmp_path: Path) -> None:
    """Check with alerts in memory: the stop waits for their destination as long as it may."""
    hook = {"webhook": {"url": "http://127.0.0.1:1/", "allow_private": True, "format": "json"}}
    with mozu_run(tmp_path, "-c", config(tmp_path, hook)) as running:
        running.wait_log("does not take alerts|cannot be reached|webhook")
        running.process.send_signal(signal.SIGTERM)
        running.wait_log("stopping: received SIGTERM")
        while running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(0.2)
        assert running.process.returncode == 128 + signal.SIGTERM
    assert any("second SIGTERM" in line for line in running.log)


HANGING = """
import sys, threading, time
from mozu.core.cli.main import main
from mozu.plugins.sources.falco_http.source import FalcoHttpSource

async def hang(source, demand):
    print("hanging", file=sys.stderr, flush=True)
    {how}

FalcoHttpSource.start = hang
main()
"""
THREAD = "threading.Thread(target=threading.Event().wait).start()"


@contextmanager
def hanging(folder: Path, how: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield a mozu in the start of its source, which hangs."""
    program = [sys.executable, "-c", HANGING.format(how=how), "run", "-c", config(folder)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            while "hanging" not in (line := process.stderr.readline()):
                assert line, "it has ended"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["time.sleep(3600)", "threading.Event().wait()", "while True: pass"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_start_that_holds_the_loop(tmp_path: Path, how: str, number: signal.Signals) -> None:
    with hanging(tmp_path, how) as process:
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_a_thread_that_a_component_leaves_behind_does_not_keep_the_process(tmp_path: Path) -> None:
    with hanging(tmp_path, f"{THREAD}; time.sleep(3600)") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert "threads are still at work that mozu does not wait for" in process.stderr.read()
