"""A whole mozu behind a Falco: alerts arrive signed at an HTTPS endpoint, and 200 is sent only afterwards."""

import asyncio
import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from standardwebhooks import Webhook as Verifier

from tests.support.https import Answers, Certificates, serving
from tests.support.running import Running, mozu_run

SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


def payload(number: int) -> dict[str, Any]:
    return {
        "hostname": "web-1",
        "output": f"14:13:20.123456789: Warning number {number}",
        "output_fields": {"evt.time": 1_700_000_000_123_456_789, "number": number},
        "priority": "Warning",
        "rule": f"Rule {number % 7}",
        "source": "syscall",
        "tags": ["b", "a"],
        "time": "2023-11-14T22:13:20.123456789Z",
    }


@contextmanager
def _receiver(answers: Answers, certificates: Certificates) -> Iterator[None]:
    """Run a server on a loop of its own, since mozu runs in another process."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(answers, certificates.context()):
            ready.set()
            await end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


def _config(folder: Path, answers: Answers, certificates: Certificates, **sink: Any) -> Path:
    hook = {
        "format": "json",
        "url": f"{answers.url}?key=PLANTED-1",
        "headers": {"X-Key": "PLANTED-2"},
        "token": {"env": "HOOK_TOKEN"},
        "signing_secrets": [SECRET],
        "allow_private": True,
        "tls": {"ca": str(certificates.ca)},
        "circuit_seconds": 0.1,
        **sink,
    }
    document = {
        "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "PLANTED-4"}}],
        "enrichers": [],
        "evaluators": [],
        "sinks": ["stdout", {"webhook": hook}],
        "log": {"level": "debug"},
    }
    path = folder / "mozu.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


async def _post(url: str, documents: list[Any], answers: Answers | None) -> list[int]:
    """Post all documents at once; at each 200 the receiver, if it is given, must already have the alert."""
    headers = {"Authorization": "Bearer PLANTED-4"}

    async def one(session: aiohttp.ClientSession, document: Any) -> int:
        async with session.post(url, json=document) as answer:
            if answer.status == 200 and answers is not None:
                assert document["output_fields"]["number"] in _numbers(answers)
            return answer.status

    async with aiohttp.ClientSession(headers=headers) as session:
        return await asyncio.gather(*(one(session, document) for document in documents))


def _listening(running: Running) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", running.wait_log("listening for Falco"))
    assert found is not None
    return found[0]


@pytest.mark.parametrize("batch", ["array", "single"])
def test_alerts_of_a_falco_arrive_signed_and_once_though_the_receiver_has_its_troubles(
    tmp_path: Path, batch: str
) -> None:
    certificates, answers = Certificates(tmp_path), Answers([500, 429, 503])
    with _receiver(answers, certificates):
        config = _config(tmp_path, answers, certificates, batch=batch)
        with mozu_run(tmp_path, "-c", str(config), env={"HOOK_TOKEN": "PLANTED-3"}) as running:
            url = _listening(running)
            statuses = asyncio.run(_post(url, [payload(number) for number in range(50)], answers))
            again = asyncio.run(_post(url, [payload(7)], answers))
            statistics = running.stop()
            log = "\n".join(running.log)
    assert [200] * 51 == statuses + again
    documents = [item for request in answers.taken for item in _items(request.json())]
    # Alerts that were refused for now may come after others; the numbers have the order.
    assert list(range(1, len(documents) + 1)) == sorted(item["mozu"]["sequence"] for item in documents)
    assert len(documents) == statistics["sinks"]["webhook"]["delivered"]
    documents = [item for item in documents if item["source"] != "internal"]
    assert (51, 50) == (len(documents), len({item["uuid"] for item in documents}))
    assert set(range(50)) == _numbers(answers)
    assert {("web-1", "Warning")} == {(item["hostname"], item["priority"]) for item in documents}
    for request in answers.requests:
        Verifier(SECRET).verify(request.body, dict(request.headers.items()))
        assert ("Bearer PLANTED-3", "PLANTED-2") == (request.headers["Authorization"], request.headers["X-Key"])
    assert {} == statistics["sinks"]["webhook"]["dropped"]
    assert "PLANTED" not in log + json.dumps(statistics)
    assert SECRET.removeprefix("whsec_") not in log


def _numbers(answers: Answers) -> set[int]:
    """Return the numbers of the alerts that the receiver has, without mozu's own notices."""
    items = [item for request in answers.taken for item in _items(request.json())]
    return {item["output_fields"]["number"] for item in items if item["source"] != "internal"}


def _items(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


def test_with_a_spool_200_is_said_while_the_receiver_is_down_and_the_next_run_delivers(tmp_path: Path) -> None:
    certificates, answers = Certificates(tmp_path), Answers()
    with _receiver(answers, certificates):
        address = answers.url
        answers.url = "https://localhost:1/"
        spool = {"path": str(tmp_path / "spool.db")}
        down = _config(tmp_path, answers, certificates, spool=spool)
        with mozu_run(tmp_path, "-c", str(down), "-o", "stop_deadline=2", env={"HOOK_TOKEN": "t"}) as running:
            documents = [payload(number) for number in range(20)]
            statuses = asyncio.run(_post(_listening(running), documents, None))
            running.stop()
        assert ([200] * 20, []) == (statuses, answers.requests)
        answers.url = address
        up = _config(tmp_path, answers, certificates, spool=spool)
        with mozu_run(tmp_path, "-c", str(up), env={"HOOK_TOKEN": "t"}) as running:
            deadline = time.monotonic() + 30
            while len(_numbers(answers)) < 20 and time.monotonic() < deadline:
                time.sleep(0.05)
            running.stop()
    assert set(range(20)) == _numbers(answers)
    assert len(answers.ids()) == len(set(answers.ids()))


def test_while_the_receiver_is_down_no_200_is_said_and_a_stop_says_come_again(tmp_path: Path) -> None:
    certificates, answers = Certificates(tmp_path), Answers()
    answers.url = "https://localhost:1/"
    config = _config(tmp_path, answers, certificates)
    with mozu_run(tmp_path, "-c", str(config), "-o", "stop_deadline=1", env={"HOOK_TOKEN": "t"}) as running:
        url = _listening(running)
        reported: list[int] = []
        client = threading.Thread(target=lambda: reported.extend(asyncio.run(_post(url, [payload(1)], answers))))
        client.start()
        running.wait_log("does not take alerts")
        assert [] == reported
        running.stop()
        client.join(20)
    assert [503] == reported
