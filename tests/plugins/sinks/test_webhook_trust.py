"""Trust and confidentiality of the sink: certificates, addresses, proxies, secrets."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert
from tests.support.https import Answers, Certificates, answering, close, hang, serving
from tests.support.packing import packed
from tests.support.webhook import PATIENCE, WebhookWorker

Log = pytest.LogCaptureFixture
SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def _until_reported(worker: WebhookWorker, caplog: Log, reported: str) -> None:
    """Deliver an alert that does not arrive, until the log has the reason and it was tried again."""
    await worker.sink_worker.start()
    worker.sink_worker.accept(packed(alert()))
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(worker.sink_worker.run())
        while reported not in caplog.text or worker.requests() < 2:
            assert not delivery.done()
            await asyncio.sleep(0.005)
        delivery.cancel()
    await worker.sink_worker.stop()


def _refused(context: ssl.SSLContext, caplog: Log, reported: str, **settings: Any) -> None:
    """Deliver to a server that must not be trusted, or that does not trust, until that is reported."""
    answers = Answers()

    async def scenario() -> None:
        async with serving(answers, context):
            await _until_reported(WebhookWorker(url=answers.url, allow_private=True, **settings), caplog, reported)

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
            return await WebhookWorker(url=answers.url, allow_private=True, tls=own).deliver(3)

    assert run_loop(scenario()) == answers.ids()


def test_a_name_that_leads_inward_gets_no_alert(caplog: Log) -> None:
    answers = Answers()

    async def scenario() -> None:
        async with serving(answers):
            await _until_reported(WebhookWorker(url=answers.url), caplog, "loopback address, which is refused")

    run_loop(scenario())
    assert [] == answers.requests


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sets `http_proxy` and nothing else."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return lambda url: monkeypatch.setenv("http_proxy", url)


@pytest.mark.parametrize(
    ("setting", "through"), [("proxy", True), ("proxy_from_environment", True), ("neither", False)]
)
def test_a_proxy_is_used_only_if_the_configuration_says_so(
    setting: str, through: bool, proxies: Callable[[str], None]
) -> None:
    """A proxy sees the whole URL of a plain request; the name need not even resolve here."""
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
            await WebhookWorker(url=url, allow_private=not through, **chosen.get(setting, {})).deliver(1)

    run_loop(scenario())
    assert (int(through), int(not through)) == (len(answers.requests), len(target.requests))


def test_a_proxy_gets_its_own_credentials_and_nobody_else_does(caplog: Log) -> None:
    caplog.set_level("DEBUG")
    answers = Answers([407, 503])

    async def scenario() -> None:
        async with serving(answers):
            proxy = f"http://me:PLANTED@127.0.0.1:{answers.port}"
            await WebhookWorker(url="http://siem.invalid/hook", proxy=proxy).deliver(1)

    run_loop(scenario())
    wanted = f"Basic {base64.b64encode(b'me:PLANTED').decode()}"
    assert [wanted] * 3 == [request.headers["Proxy-Authorization"] for request in answers.requests]
    assert "PLANTED" not in caplog.text


def test_a_secret_is_reported_nowhere_whatever_goes_wrong(certificates: Certificates, caplog: Log) -> None:
    """The server even repeats the request in its answer."""

    async def parrot(request: web.Request) -> web.StreamResponse:
        reported = " ".join([request.path_qs, *request.headers.values()])
        return web.Response(status=503, text=reported, reason=reported.replace("\n", " ")[:50])

    caplog.set_level("DEBUG")
    answers = Answers([parrot, close, hang, parrot, 500, answering(307, Location="/x?k=PLANTED-9"), parrot, parrot])

    async def scenario() -> WebhookWorker:
        async with serving(answers, certificates.context()):
            worker = WebhookWorker(
                url=f"{answers.url}/PLANTED-1?key=PLANTED-2",
                headers={"X-Key": "PLANTED-3"},
                token="PLANTED-4",
                signing_secrets=SECRETS,
                allow_private=True,
                timeout=0.3,
                circuit_seconds=0.05,
                tls={"ca": certificates.ca},
            )
            await worker.deliver(2)
            assert "PLANTED" not in repr(worker.sink_worker.sink.component)
        return worker

    worker = run_loop(scenario())
    assert 2 == worker.numbers()["sink_alerts_delivered_total"]
    assert "takes alerts again" in caplog.text
    assert "PLANTED" not in caplog.text
    assert not any(secret.removeprefix("whsec_") in caplog.text for secret in SECRETS)


def test_a_timeout_of_the_connection_does_not_tell_the_url(caplog: Log) -> None:
    """The client library's own text would contain the URL."""
    caplog.set_level("DEBUG")

    async def scenario(port: int) -> None:
        worker = WebhookWorker(url=f"https://127.0.0.1:{port}/PLANTED", allow_private=True, connect_timeout=0.1)
        await _until_reported(worker, caplog, "no connection within 0.1 s")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        run_loop(scenario(silent.getsockname()[1]))
    assert "PLANTED" not in caplog.text
