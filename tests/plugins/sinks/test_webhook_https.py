"""The sink against a real HTTPS server, through the core's own retries: what the server took, it got once."""

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Verifier

from mozu.core.api import Context
from mozu.core.delivery.encode import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert, check_sink, context
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from tests.support.https import Answers, Certificates, Handler, answering, close, hang, serving, unpacked

Log = pytest.LogCaptureFixture
PATIENCE = 60.0
SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Way:
    """A worker with the sink at its end: what the engine makes of a configured entry."""

    def __init__(self, **settings: Any) -> None:
        self.metrics = Metrics()
        isolation = Isolation("sink", "hook", self.metrics)
        given = Context(id="hook", log=isolation.log, metrics=isolation.metrics, fields=context().fields)
        hook: Any = build(WebhookSettings.model_validate(settings), given)
        isolated = Isolated("sink", "hook", hook, self.metrics)
        self.worker = SinkWorker(
            isolated,
            FalcoJson(),
            MemoryQueue(1000, isolated.metrics),
            agent="host",
            on_closed=lambda reason: None,
            retry=RetryPolicy(first=0.01, longest=0.05, attempts=20),
        )

    async def deliver(self, count: int) -> list[str]:
        """Make `count` alerts and deliver them; their ids."""
        alerts = [alert(f"Rule {number}", **{"proc.name": "ö\n\udc80"}) for number in range(count)]
        await self.worker.start()
        for item in alerts:
            self.worker.accept(item)
        self.worker.queue.close()
        async with asyncio.timeout(PATIENCE):
            await self.worker.run()
        await self.worker.stop()
        return [item.id for item in alerts]

    def requests(self) -> float:
        """How often it was tried, whatever came of it."""
        return sum(value for name, _, value in self.metrics.collect() if name == "webhook_requests_total")

    def numbers(self) -> dict[str, float]:
        """Counters by name or reason."""
        return {
            labels.get("reason") or name: value
            for name, labels, value in self.metrics.collect()
        }


def play(certificates: Certificates | None, answers: Answers, count: int, **settings: Any) -> tuple[list[str], Way]:
    """Deliver `count` alerts to a server that answers so."""
    made: list[Way] = []

    async def scenario() -> list[str]:
        tls = None if certificates is None else certificates.context()
        async with serving(answers, tls):
            trusted = {} if certificates is None else {"tls": {"ca": certificates.ca}}
            way = Way(**{"url": answers.url, "allow_private": True, "circuit_seconds": 0.1, **trusted, **settings})
            made.append(way)
            return await way.deliver(count)

    return run_loop(scenario()), made[0]


TROUBLES: dict[str, list[int | Handler]] = {
    "all is well": [],
    "429 with seconds": [answering(429, Retry_After="0")],
    "500 twice": [500, 500],
    "503": [503],
    "hangs": [hang],
    "closes": [close, close],
    "redirects": [answering(307, Location="/elsewhere")],
    "takes one, then is down for a while": [200, 500, 503, close, 500, 502, 504, 429, 408],
}


def patience(trouble: str) -> float:
    """Long where answers are awaited: one that comes late on a busy machine would be asked for twice."""
    return 2.0 if trouble == "hangs" else PATIENCE


@pytest.mark.parametrize("batch", ["single", "array"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_alert_arrives_once_and_in_order_where_the_server_says_so(
    trouble: str, batch: str, certificates: Certificates
) -> None:
    answers = Answers(TROUBLES[trouble])
    settings = {"batch": batch, "batch_records": 5, "signing_secrets": SECRETS, "timeout": patience(trouble)}
    ids, way = play(certificates, answers, 12, **settings)
    assert ids == answers.ids()
    assert 12 == way.numbers()["sink_alerts_delivered_total"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_request_is_signed_so_that_each_secret_verifies_it(trouble: str, certificates: Certificates) -> None:
    answers = Answers(TROUBLES[trouble])
    play(certificates, answers, 7, batch="single", signing_secrets=SECRETS, timeout=patience(trouble))
    for request in answers.requests:
        for secret in SECRETS:
            assert request.json() == Verifier(secret).verify(request.body, dict(request.headers.items()))


def test_a_request_that_is_sent_again_has_its_id_and_a_new_time(certificates: Certificates) -> None:
    answers = Answers([500, 503, close])
    play(certificates, answers, 3, batch="array", signing_secrets=SECRETS)
    assert 4 == len(answers.requests)
    assert 1 == len({request.headers["webhook-id"] for request in answers.requests})
    assert 1 == len({request.body for request in answers.requests})
    now = time.time()
    assert all(abs(now - int(request.headers["webhook-timestamp"])) < 60 for request in answers.requests)


def test_a_single_alert_gives_its_id_to_its_request(certificates: Certificates) -> None:
    answers = Answers([500])
    ids, _ = play(certificates, answers, 1, batch="single")
    assert [ids[0], ids[0]] == [request.headers["webhook-id"] for request in answers.requests]


@pytest.mark.parametrize("form", ["1", "date"])
def test_retry_after_is_honoured(form: str, certificates: Certificates) -> None:
    """Measured at the server by its own clock, so a busy machine makes it longer and never shorter."""
    arrivals: list[float] = []

    async def limited(request: web.Request) -> web.StreamResponse:
        arrivals.append(time.monotonic())
        until = formatdate(time.time() + 2, usegmt=True)
        return web.Response(status=429, headers={"Retry-After": until if form == "date" else form})

    async def taken(request: web.Request) -> web.StreamResponse:
        arrivals.append(time.monotonic())
        return web.Response()

    play(certificates, Answers([limited, taken]), 1)
    assert arrivals[1] - arrivals[0] >= 0.9


def test_a_refusal_rejects_with_its_reason_and_the_others_arrive(
    certificates: Certificates, caplog: Log
) -> None:
    answers = Answers()
    usual = answers.handle

    async def handle(request: web.Request) -> web.StreamResponse:
        if b"Rule 4" in await request.read():
            return web.Response(status=400, text="rule 4\x1b[31m is not\n liked")
        return await usual(request)

    answers.handle = handle  # type: ignore[method-assign]
    ids, way = play(certificates, answers, 9, batch="array")
    assert [*ids[:4], *ids[5:]] == answers.ids()
    assert 1 == way.numbers()["rejected"]
    assert "the endpoint answered 400: rule 4\\u001b[31m is not liked" in caplog.text


def test_no_redirect_is_followed(certificates: Certificates) -> None:
    answers = Answers([answering(307, Location="/elsewhere"), answering(302, Location="http://169.254.169.254/")])
    play(certificates, answers, 1)
    assert ["/hook"] * 3 == [request.path for request in answers.requests]


def test_a_status_stands_though_the_rest_of_the_answer_never_comes(certificates: Certificates) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
        request.transport.close()
        return web.Response()

    answers = Answers([broken])
    _, way = play(certificates, answers, 3, batch="array")
    assert (1, 3) == (len(answers.requests), way.numbers()["sink_alerts_delivered_total"])


def test_an_endless_answer_is_read_to_its_bound(certificates: Certificates) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except (ConnectionError, asyncio.CancelledError):
            return response

    answers = Answers([endless])
    _, way = play(certificates, answers, 3, batch="array", timeout=30.0)
    assert (1, 3) == (len(answers.requests), way.numbers()["sink_alerts_delivered_total"])


def test_a_batch_that_is_compressed_arrives_whole(certificates: Certificates) -> None:
    answers = Answers()
    ids, _ = play(certificates, answers, 50, batch="array", gzip=True, signing_secrets=SECRETS)
    (request,) = answers.taken
    assert "gzip" == request.headers["Content-Encoding"]
    Verifier(SECRETS[0]).verify(unpacked(request), dict(request.headers.items()))
    assert ids == answers.ids()


def test_lines_are_sent_as_lines(certificates: Certificates) -> None:
    answers = Answers()
    ids, _ = play(certificates, answers, 3, batch="ndjson")
    (request,) = answers.taken
    assert "application/x-ndjson" == request.headers["Content-Type"]
    assert 3 == request.body.count(b"\n")
    assert all(item.encode() in request.body for item in ids)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"token": "abc", "token_scheme": "Token"}, "Token abc"),
        ({"token": "abc", "template": "splunk_hec"}, "Splunk abc"),
        ({"user": "me", "password": "päss"}, "Basic " + base64.b64encode("me:päss".encode()).decode()),
        ({}, None),
    ],
)
def test_credentials_go_where_they_belong(settings: dict[str, Any], expected: str | None) -> None:
    answers = Answers()
    play(None, answers, 1, headers={"X-Mine": "yes"}, **settings)
    (request,) = answers.requests
    assert (expected, "yes") == (request.headers.get("Authorization"), request.headers["X-Mine"])


async def _until_told(way: Way, caplog: Log, told: str) -> None:
    """Deliver an alert that does not arrive, until the log says why and it was tried again."""
    await way.worker.start()
    way.worker.accept(alert())
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(way.worker.run())
        while told not in caplog.text or way.requests() < 2:
            assert not delivery.done()
            await asyncio.sleep(0.005)
        delivery.cancel()
    await way.worker.stop()


def _refused(context: ssl.SSLContext, caplog: Log, told: str, **settings: Any) -> None:
    """Deliver to a server that must not be trusted, or that does not trust, until that is told."""
    answers = Answers()

    async def scenario() -> None:
        async with serving(answers, context):
            await _until_told(Way(url=answers.url, allow_private=True, **settings), caplog, told)

    run_loop(scenario())
    assert [] == answers.requests


def test_a_certificate_of_a_stranger_gets_no_alert(certificates: Certificates, caplog: Log) -> None:
    _refused(certificates.context(), caplog, "certificate is refused")


def test_a_certificate_for_another_name_gets_no_alert(tmp_path: Path, caplog: Log) -> None:
    others = Certificates(tmp_path, names=["elsewhere.example"])
    _refused(others.context(), caplog, "certificate is refused: Hostname mismatch", tls={"ca": others.ca})


def test_a_version_that_is_too_old_gets_no_alert(certificates: Certificates, caplog: Log) -> None:
    old = certificates.context(newest=ssl.TLSVersion.TLSv1_2)
    _refused(old, caplog, "no connection", tls={"ca": certificates.ca, "min_version": "1.3"})


def test_a_client_without_certificate_gets_no_alert_across(certificates: Certificates, caplog: Log) -> None:
    # TLS 1.3 says why after the handshake, unless the reset comes first
    _refused(certificates.context(mutual=True), caplog, "does not take alerts", tls={"ca": certificates.ca})


def test_a_client_certificate_opens_the_door(certificates: Certificates) -> None:
    answers = Answers()

    async def scenario() -> list[str]:
        async with serving(answers, certificates.context(mutual=True)):
            own = {"ca": certificates.ca, "certificate": certificates.client, "key": certificates.client_key}
            return await Way(url=answers.url, allow_private=True, tls=own).deliver(3)

    assert run_loop(scenario()) == answers.ids()


def test_a_name_that_leads_inward_gets_no_alert(caplog: Log) -> None:
    answers = Answers()

    async def scenario() -> None:
        async with serving(answers):
            await _until_told(Way(url=answers.url), caplog, "loopback address, which is refused")

    run_loop(scenario())
    assert [] == answers.requests


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets `http_proxy` and nothing else."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return lambda url: monkeypatch.setenv("http_proxy", url)


@pytest.mark.parametrize(
    ("setting", "through"), [("proxy", True), ("proxy_from_environment", True), ("neither", False)]
)
def test_a_proxy_is_used_only_if_the_configuration_says_so(
    setting: str, through: bool, proxies: Callable[[str], None]
) -> None:
    """The proxy sees the whole URL of a plain request; the name need not even resolve here."""
    answers, target = Answers(), Answers()

    async def scenario() -> None:
        async with serving(answers), serving(target):
            proxy = f"http://127.0.0.1:{answers.port}"
            proxies(proxy)
            chosen: dict[str, dict[str, Any]] = {
                "proxy": {"proxy": proxy},
                "proxy_from_environment": {"proxy_from_environment": True},
            }
            url = "http://siem.invalid/hook" if through else target.url
            await Way(url=url, allow_private=not through, **chosen.get(setting, {})).deliver(1)

    run_loop(scenario())
    assert (int(through), int(not through)) == (len(answers.requests), len(target.requests))


def test_a_proxy_gets_its_own_credentials_and_nobody_else_does(caplog: Log) -> None:
    caplog.set_level("DEBUG")
    answers = Answers([407, 503])

    async def scenario() -> None:
        async with serving(answers):
            proxy = f"http://me:PLANTED@127.0.0.1:{answers.port}"
            await Way(url="http://siem.invalid/hook", proxy=proxy).deliver(1)

    run_loop(scenario())
    wanted = f"Basic {base64.b64encode(b'me:PLANTED').decode()}"
    assert [wanted] * 3 == [request.headers["Proxy-Authorization"] for request in answers.requests]
    assert "PLANTED" not in caplog.text


def test_a_secret_is_told_nowhere_whatever_goes_wrong(
    certificates: Certificates, caplog: Log
) -> None:
    """The server even repeats what it was sent."""

    async def parrot(request: web.Request) -> web.StreamResponse:
        told = " ".join([request.path_qs, *request.headers.values()])
        return web.Response(status=503, text=told, reason=told.replace("\n", " ")[:50])

    caplog.set_level("DEBUG")
    answers = Answers([parrot, close, hang, parrot, 500, answering(307, Location="/x?k=PLANTED-9"), parrot, parrot])

    async def scenario() -> Way:
        async with serving(answers, certificates.context()):
            way = Way(
                url=f"{answers.url}/PLANTED-1?key=PLANTED-2",
                headers={"X-Key": "PLANTED-3"},
                token="PLANTED-4",
                signing_secrets=SECRETS,
                allow_private=True,
                timeout=0.3,
                circuit_seconds=0.05,
                tls={"ca": certificates.ca},
            )
            await way.deliver(2)
            assert "PLANTED" not in repr(way.worker.sink.component)
        return way

    way = run_loop(scenario())
    assert 2 == way.numbers()["sink_alerts_delivered_total"]
    assert "takes alerts again" in caplog.text
    assert "PLANTED" not in caplog.text
    assert not any(secret.removeprefix("whsec_") in caplog.text for secret in SECRETS)


def test_a_timeout_of_the_connection_does_not_tell_the_url(caplog: Log) -> None:
    """The client library's own text would."""
    caplog.set_level("DEBUG")

    async def scenario(port: int) -> None:
        way = Way(url=f"https://127.0.0.1:{port}/PLANTED", allow_private=True, connect_timeout=0.1)
        await _until_told(way, caplog, "no connection within 0.1 s")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        run_loop(scenario(silent.getsockname()[1]))
    assert "PLANTED" not in caplog.text


def test_the_sink_keeps_the_contract() -> None:
    async def scenario() -> None:
        async with serving(Answers()) as answers:
            settings = WebhookSettings.model_validate({"url": answers.url, "allow_private": True})
            await check_sink(build(settings, context()))

    run_loop(scenario())
