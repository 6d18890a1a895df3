"""The listener against real clients: permissions, limits, and the time of the answer."""

import asyncio
import base64
import gzip
import json
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from mozu.core.api import Alert, Demand, Event, SourceUnavailable
from mozu.core.common.http.request_queue import RequestQueue
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import check_source, context
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings
from mozu.plugins.sources.falco_http.source import FalcoHttpSource
from tests.support.falco_http import PATIENCE, Play, payload, run, settings_of
from tests.support.https import Certificates
from tests.support.requirements import program


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def test_what_is_posted_becomes_alerts_and_is_answered() -> None:
    async def scenario(play: Play) -> None:
        assert (200, "") == await play.post(payload())
        assert (200, "") == await play.post([payload(1), payload(2)])
        assert ["number 0", "number 1", "number 2"] == [alert.message() for alert in play.seen]

    run(scenario)


def test_no_answer_comes_before_the_alerts_are_safe() -> None:
    async def scenario(play: Play) -> None:
        play.settling.clear()
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(play.post(payload()))
            await play.until(1)
            assert 400 == (await play.post(b"{"))[0]  # later requests have been answered
            assert not answer.done()
            play.settling.set()
        assert 200 == answer.result()[0]

    run(scenario)


def test_many_clients_at_once_get_an_answer_each_and_share_settlements() -> None:
    async def scenario(play: Play) -> None:
        answers = await asyncio.gather(*(play.post(payload(number)) for number in range(300)))
        assert {200} == {status for status, _ in answers}
        assert set(range(300)) == {alert.values["number"] for alert in play.seen}
        assert 300 == len(play.seen) == len({alert.id for alert in play.seen})
        assert len(play.batches) < 300

    run(scenario, max_connections_per_peer=400)


def test_a_repeated_post_joins_the_one_under_way_and_later_gives_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Falco posts again when an answer takes too long."""

    arrived = 0
    real = RequestQueue.find

    def find(queue: RequestQueue[Alert], key: bytes) -> Any:
        nonlocal arrived
        arrived += 1
        return real(queue, key)

    monkeypatch.setattr(RequestQueue, "find", find)

    async def scenario(play: Play) -> None:
        play.settling.clear()
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(play.post(payload())) for _ in range(3)]
            async with asyncio.timeout(PATIENCE):
                while arrived < 3 or not play.seen:
                    await asyncio.sleep(0.005)
            play.settling.set()
        assert ([200] * 3, 1) == ([answer.result()[0] for answer in answers], len(play.seen))
        assert 200 == (await play.post(payload()))[0]
        assert (2, 1) == (len(play.seen), len({alert.id for alert in play.seen}))

    run(scenario)


def test_a_client_is_reported_to_come_again_when_its_alerts_are_not_safe_in_time() -> None:
    async def scenario(play: Play) -> None:
        play.settling.clear()
        status, text = await play.post(payload())
        assert (503, "the alerts are not safe yet; they have ids, so send them again\n") == (status, text)

    run(scenario, response_timeout=0.1)


def test_beyond_the_bound_clients_are_reported_when_to_come_again() -> None:
    async def scenario(play: Play) -> None:
        play.settling.clear()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(play.post([payload(1), payload(2)]))
            await play.until(2)
            async with aiohttp.ClientSession() as session, session.post(play.url, json=payload(3)) as answer:
                assert (503, "1") == (answer.status, answer.headers["Retry-After"])
            play.settling.set()
        assert 200 == waiting.result()[0]

    run(scenario, max_pending_alerts=2)


def test_a_request_larger_than_the_bound_is_taken_when_nothing_else_waits() -> None:
    async def scenario(play: Play) -> None:
        assert 200 == (await play.post([payload(number) for number in range(5)]))[0]

    run(scenario, max_pending_alerts=2)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_too_large_is_refused_packed_or_not(packed: bool) -> None:
    async def scenario(play: Play) -> None:
        body = json.dumps({**payload(), "x": "a" * 5000}).encode()
        headers = {"Content-Encoding": "gzip"} if packed else {}
        data = gzip.compress(body) if packed else body
        assert (413, "a request may have 2048 bytes at most\n") == await play.post(data, headers=headers)
        assert [] == play.seen

    run(scenario, max_bytes=2048)


def test_a_packed_request_is_unpacked() -> None:
    async def scenario(play: Play) -> None:
        data = gzip.compress(json.dumps(payload()).encode())
        assert 200 == (await play.post(data, headers={"Content-Encoding": "gzip"}))[0]
        assert 400 == (await play.post(b"\x1f\x8bnonsense", headers={"Content-Encoding": "gzip"}))[0]

    run(scenario)


def test_what_is_no_alert_is_refused_with_a_sentence_and_none_of_it_is_taken() -> None:
    async def scenario(play: Play) -> None:
        status, text = await play.post([payload(), {}])
        assert (400, "alert 2 of 2: an alert needs 'rule', a text that is not empty\n") == (status, text)
        assert [] == play.seen

    run(scenario)


def test_text_is_taken_where_it_is_falcos() -> None:
    async def scenario(play: Play) -> None:
        headers = {"Content-Type": "text/plain"}
        line = b"2023-11-14T22:13:20.123456789+0000: Warning something happened"
        assert 200 == (await play.post(line, headers=headers))[0]
        assert 400 == (await play.post(b"something happened", headers=headers))[0]
        assert ["something happened"] == [alert.message() for alert in play.seen]

    run(scenario)


def test_only_posts_are_taken_and_none_from_a_page_in_a_browser() -> None:
    async def scenario(play: Play) -> None:
        async with aiohttp.ClientSession() as session, session.get(play.url) as answer:
            assert (405, "POST") == (answer.status, answer.headers["Allow"])
        assert 403 == (await play.post(payload(), headers={"Origin": "https://evil.example"}))[0]

    run(scenario)


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer PLANTED", 200),
        ("bearer PLANTED", 200),
        (_basic("falco:PLANTED"), 200),
        ("Bearer planted", 401),
        ("Bearer ", 401),
        ("Basic !!!", 401),
        (_basic("PLANTED:"), 401),
        ("PLANTED", 401),
        ("", 401),
    ],
)
def test_with_a_token_only_those_who_know_it_may(authorization: str, expected: int) -> None:
    async def scenario(play: Play) -> None:
        assert expected == (await play.post(payload(), headers={"Authorization": authorization}))[0]

    run(scenario, token="PLANTED")


def test_the_token_is_reported_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(play: Play) -> None:
        _, text = await play.post(payload(), headers={"Authorization": "Bearer PLANTED-2"})
        assert "PLANTED" not in text

    caplog.set_level("DEBUG")
    run(scenario, token="PLANTED")
    assert "listening for Falco on http://127.0.0.1:" in caplog.text
    assert "PLANTED" not in caplog.text + repr(FalcoHttpSettings.model_validate({"token": "PLANTED"}))


def test_a_stop_answers_those_who_wait_and_refuses_newcomers() -> None:
    """The engine settles as many alerts as it can before its deadline; clients of the rest are asked to come again."""

    async def scenario() -> None:
        source = FalcoHttpSource(settings_of(), context())
        await source.start(Demand())
        async with aiohttp.ClientSession() as session:
            play = Play(session, source)
            play.settling.clear()
            async with asyncio.TaskGroup() as tasks:
                pump = tasks.create_task(play.pump())
                answer = tasks.create_task(play.post(payload()))
                await play.until(1)
                await source.stop()
                with pytest.raises(aiohttp.ClientConnectorError):
                    await play.post(payload(1))
                pump.cancel()
        assert (503, "mozu stops before the alerts are safe; send them again\n") == answer.result()

    run_loop(scenario())


def _tls(certificates: Certificates, **more: Any) -> dict[str, Any]:
    return {"tls": {"certificate": certificates.server, "key": certificates.server_key, **more}}


def _trusting(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.ca)


def test_connections_are_protected_where_the_configuration_says_so(certificates: Certificates) -> None:
    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(payload()))[0]

    run(scenario, _trusting(certificates), **_tls(certificates))


def test_another_token_holds_from_the_next_request_on_and_connections_stay() -> None:
    async def scenario(play: Play) -> None:
        def bearer(token: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

        assert 200 == (await play.post(payload(), headers=bearer("old-old-old-old-old")))[0]
        play.source.change_settings(settings_of(token="new-new-new-new-new"))
        assert 401 == (await play.post(payload(), headers=bearer("old-old-old-old-old")))[0]
        assert 200 == (await play.post(payload(1), headers=bearer("new-new-new-new-new")))[0]

    run(scenario, token="old-old-old-old-old")


def test_a_certificate_that_was_renewed_is_shown_to_the_next_client(certificates: Certificates, tmp_path: Path) -> None:
    other = Certificates(tmp_path)

    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(payload()))[0]
        play.source.change_settings(settings_of(**_tls(other)))
        async with aiohttp.ClientSession() as session, session.post(play.url, ssl=_trusting(other)) as answer:
            assert 400 == answer.status
        with pytest.raises(ssl.SSLError):
            play.source.change_settings(settings_of(tls={"certificate": __file__, "key": __file__}))

    run(scenario, _trusting(certificates), **_tls(certificates))


def test_a_client_without_certificate_stays_outside(certificates: Certificates) -> None:
    """The known client presents a certificate like Falco's `mtls`."""
    stranger = ssl.create_default_context(cafile=certificates.ca)
    known = ssl.create_default_context(cafile=certificates.ca)
    known.load_cert_chain(certificates.client, certificates.client_key)

    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(payload()))[0]
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=stranger)) as session:
                await session.post(play.url, json=payload(1))
        assert 1 == len(play.seen)

    run(scenario, known, **_tls(certificates, client_ca=certificates.ca))


@pytest.mark.live
def test_falcos_own_client_library_gets_its_answer(tmp_path: Path) -> None:
    """The client is libcurl, with the token in the URL, which is the only place in which Falco can put one."""

    async def scenario(play: Play) -> None:
        body = tmp_path / "alert.json"
        body.write_text(json.dumps(payload()))
        url = play.url.replace("//", "//falco:PLANTED@")
        about = ["-s", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d", f"@{body}"]
        command = [program("curl"), *about, url]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, timeout=20)
        assert b"200" == done.stdout

    run(scenario, token="PLANTED")


@pytest.mark.parametrize("listen", ["0.0.0.0:2801", "[::]:2801", "192.0.2.1:2801", "siem.example:2801"])
def test_who_listens_to_the_world_needs_tls_and_knows_its_clients(listen: str, certificates: Certificates) -> None:
    tls = _tls(certificates)["tls"]
    for insufficient in ({}, {"token": "t"}, {"tls": tls}):
        with pytest.raises(ValidationError, match="can be reached from other machines"):
            FalcoHttpSettings.model_validate({"listen": listen, **insufficient})
    FalcoHttpSettings.model_validate({"listen": listen, "token": "t", "tls": tls})
    FalcoHttpSettings.model_validate({"listen": listen, "tls": {**tls, "client_ca": certificates.ca}})


@pytest.mark.parametrize("listen", ["2801", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":2801", "127.0.0.1:70000"])
def test_an_address_needs_its_port(listen: str) -> None:
    with pytest.raises(ValidationError, match="an address and a port"):
        FalcoHttpSettings.model_validate({"listen": listen})


def test_a_port_that_is_taken_is_reported_with_a_remedy() -> None:
    async def scenario() -> None:
        first = FalcoHttpSource(settings_of(), context())
        await first.start(Demand())
        second = FalcoHttpSource(settings_of(listen=f"127.0.0.1:{first.port}"), context())
        with pytest.raises(SourceUnavailable, match=r"cannot listen on .*falcosidekick has the same one"):
            await second.start(Demand())
        await first.stop()

    run_loop(scenario())


def test_a_certificate_that_is_not_there_is_reported(tmp_path: Path) -> None:
    async def scenario() -> None:
        tls = {"certificate": tmp_path / "absent.pem", "key": tmp_path / "absent.key"}
        settings = settings_of(tls=tls)
        with pytest.raises(SourceUnavailable, match="No such file"):
            await FalcoHttpSource(settings, context()).start(Demand())

    run_loop(scenario())


def test_the_source_keeps_the_contract() -> None:
    async def scenario() -> None:
        source = FalcoHttpSource(settings_of(response_timeout=0.1), context())

        async def client() -> None:
            while not source.port:
                await asyncio.sleep(0.01)
            async with aiohttp.ClientSession() as session:
                await session.post(f"http://127.0.0.1:{source.port}/", json=payload())

        seen: Sequence[Event | Alert] = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client())
            seen = await check_source(source, most=1)
        assert 1 == len(seen)
        assert 1 == source.counts()["alert"].received

    run_loop(scenario())
