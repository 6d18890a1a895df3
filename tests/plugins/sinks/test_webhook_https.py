"""The sink against a real HTTPS server, through the core's own retries: each alert that the server took, it
got once.
"""

import asyncio
import base64
import time
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Verifier

from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import check_sink, context
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from tests.support.https import Answers, Certificates, Handler, answering, close, hang, serving, unpacked
from tests.support.webhook import PATIENCE, play

Log = pytest.LogCaptureFixture
SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


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
    """Return a timeout that is long if answers are awaited: one that comes late on a busy machine would be asked for
    twice.
    """
    return 2.0 if trouble == "hangs" else PATIENCE


@pytest.mark.parametrize("batch", ["single", "array"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_alert_arrives_once_and_in_order_where_the_server_says_so(
    trouble: str, batch: str, certificates: Certificates
) -> None:
    answers = Answers(TROUBLES[trouble])
    settings = {"batch": batch, "batch_records": 5, "signing_secrets": SECRETS, "timeout": patience(trouble)}
    ids, worker = play(certificates, answers, 12, **settings)
    assert ids == answers.ids()
    assert 12 == worker.numbers()["sink_alerts_delivered_total"]


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
    """Measure at the server by its own clock, so a busy machine makes the time longer and never shorter."""
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


def test_a_refusal_rejects_with_its_reason_and_the_others_arrive(certificates: Certificates, caplog: Log) -> None:
    answers = Answers()
    usual = answers.handle

    async def handle(request: web.Request) -> web.StreamResponse:
        if b"Rule 4" in await request.read():
            return web.Response(status=400, text="rule 4\x1b[31m is not\n liked")
        return await usual(request)

    answers.handle = handle  # type: ignore[method-assign]
    ids, worker = play(certificates, answers, 9, batch="array")
    assert [*ids[:4], *ids[5:]] == answers.ids()
    assert 1 == worker.numbers()["rejected"]
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
    _, worker = play(certificates, answers, 3, batch="array")
    assert (1, 3) == (len(answers.requests), worker.numbers()["sink_alerts_delivered_total"])


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
    _, worker = play(certificates, answers, 3, batch="array", timeout=30.0)
    assert (1, 3) == (len(answers.requests), worker.numbers()["sink_alerts_delivered_total"])


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


def test_the_sink_keeps_the_contract() -> None:
    async def scenario() -> None:
        async with serving(Answers()) as answers:
            settings = WebhookSettings.model_validate({"url": answers.url, "allow_private": True})
            await check_sink(build(settings, context()))

    run_loop(scenario())


def test_a_certificate_that_is_not_verified_is_taken_and_said(certificates: Certificates, caplog: Log) -> None:
    answers = Answers()
    ids, _ = play(certificates, answers, 1, tls={"verify": False})

    assert ids == answers.ids()
    assert "is not verified" in caplog.text


def test_the_beginning_of_an_answer_is_a_debug_message(caplog: Log) -> None:
    caplog.set_level("DEBUG", "mozu.sink.hook")
    play(None, Answers(), 1)

    assert any("answered 200: said" in record.getMessage() for record in caplog.records)


def test_an_authority_and_no_verification_exclude_each_other(certificates: Certificates) -> None:
    with pytest.raises(ValueError, match="ca means nothing"):
        WebhookSettings.model_validate({"url": "https://x.example", "tls": {"ca": certificates.ca, "verify": False}})
