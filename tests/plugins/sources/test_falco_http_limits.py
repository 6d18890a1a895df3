"""The listener against clients that are slow, many, unknown or greedy: real sockets on loopback."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.api import Context, Dropped
from mozu.core.common.http.allowance import Allowance
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import context
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings
from tests.support.falco_http import PATIENCE, Play, payload, playing

HALF = b"POST / HTTP/1.1\r\nHost: x\r\nX-"


def run(scenario: Callable[[Play, Context], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        given = context()
        async with playing(metrics_context=given, **settings) as play:
            await scenario(play, given)

    run_loop(main())


def refused(given: Context) -> dict[str, float]:
    """Return the number of refusals by reason."""
    return {labels["reason"]: value for name, labels, value in given.metrics.collect() if name == "http_refused_total"}


def connect(play: Play, sent: bytes) -> socket.socket:
    port = int(play.url.rstrip("/").rpartition(":")[2])
    made = socket.create_connection(("127.0.0.1", port))
    made.sendall(sent)
    made.setblocking(False)
    return made


async def ended(client: socket.socket) -> bytes:
    """Return the bytes that a client gets until the server closes the connection."""
    loop, got = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE):
        try:
            while more := await loop.sock_recv(client, 4096):
                got += more
        except ConnectionError:
            pass
    return got


# --- dropped alerts


def test_a_client_is_asked_to_send_again_what_found_no_room() -> None:
    async def scenario(play: Play, given: Context) -> None:
        play.dropped = {1: Dropped("sink a: spool full", can_retry=True), 2: Dropped("sink b: queue full", True)}
        status, text = await play.post([payload(1), payload(2), payload(3)])
        assert 503 == status
        assert (
            "2 of 3 alerts were dropped: 1 (sink a: spool full), 1 (sink b: queue full); send them all again, "
            "they have ids\n"
        ) == text
        assert {"dropped": 1} == refused(given)

    run(scenario)


def test_what_a_policy_drops_is_said_beside_the_200() -> None:
    async def scenario(play: Play, given: Context) -> None:
        play.dropped = {0: Dropped("suppressed by alert_limiter", can_retry=False)}
        assert (200, "1 of 2 alerts were dropped: 1 (suppressed by alert_limiter)\n") == await play.post(
            [payload(1), payload(2)]
        )
        assert {} == refused(given)

    run(scenario)


def test_of_requests_that_share_a_batch_each_hears_of_its_own_alerts() -> None:
    async def scenario(play: Play, given: Context) -> None:
        play.settling.clear()
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(play.post(payload(0)))
            await play.until(1)
            others = [tasks.create_task(play.post([payload(n), payload(n + 1)])) for n in (10, 20)]
            async with asyncio.timeout(PATIENCE):
                while 5 > _pending(given):
                    await asyncio.sleep(0.005)
            play.dropped = {2: Dropped("sink a: spool full", can_retry=True)}  # the first of the second request
            play.settling.set()
        assert 200 == first.result()[0]
        assert [200, 503] == sorted(one.result()[0] for one in others)
        assert [1, 4] == [len(batch) for batch in play.batches]

    run(scenario)


def _pending(given: Context) -> float:
    return next(value for name, _, value in given.metrics.collect() if name == "falco_http_pending_alerts")


# --- permissions


def test_without_a_token_it_is_not_even_configured() -> None:
    with pytest.raises(ValidationError, match=r"token: without one every program .* write `token: none`"):
        FalcoHttpSettings()
    assert {} == FalcoHttpSettings(token="none").secrets()


def test_the_word_none_from_the_environment_is_a_token_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCO_TOKEN", "none")
    settings = FalcoHttpSettings.model_validate({"token": {"env": "FALCO_TOKEN"}})
    assert {"token": b"none"} == settings.secrets()


def test_an_empty_token_protects_nothing() -> None:
    with pytest.raises(ValidationError, match="an empty token"):
        FalcoHttpSettings.model_validate({"token": ""})


def test_each_client_may_have_a_token_of_its_own_and_an_allowance() -> None:
    async def scenario(play: Play, given: Context) -> None:
        def bearer(token: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

        assert 401 == (await play.post(payload(), headers=bearer("three")))[0]
        assert 200 == (await play.post([payload(1), payload(2)], headers=bearer("one")))[0]
        status, text = await play.post(payload(3), headers=bearer("one"))
        assert (429, "this client has used up its quota of alerts; send them again later\n") == (status, text)
        assert 200 == (await play.post(payload(3), headers=bearer("two")))[0]
        assert {"token": 1, "quota": 1} == refused(given)

    run(scenario, tokens={"a": "one", "b": "two"}, quota=2)


def test_an_allowance_fills_with_time_and_begins_anew_each_day() -> None:
    clock = [0.0, 86_000.0]
    allowance = Allowance(1.0, 100, monotonic=lambda: clock[0], now=lambda: clock[1])
    allowance.take(12)  # more than the bucket's 10: owed
    assert ("rate", 2.0) == allowance.refusal()
    clock[0] += 3
    assert allowance.refusal() is None
    allowance.take(90)
    clock[0] += 1_000
    assert ("quota", 400.0) == allowance.refusal()
    clock[1] += 400
    assert allowance.refusal() is None


# --- slow, half-open, many


def test_a_client_whose_headers_do_not_come_is_closed() -> None:
    async def scenario(play: Play, given: Context) -> None:
        with connect(play, HALF) as half, connect(play, b"") as silent:
            assert b"408 Request Timeout" in await ended(half)
            await ended(silent)
        assert {"headers late": 2} == refused(given)

    run(scenario, read_timeout=0.2)


def test_the_second_request_of_a_connection_has_no_more_time_than_the_first() -> None:
    async def scenario(play: Play, given: Context) -> None:
        body = json.dumps(payload()).encode()
        whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        loop = asyncio.get_running_loop()
        with connect(play, whole) as client:
            async with asyncio.timeout(PATIENCE):
                assert b"200 OK" in await loop.sock_recv(client, 4096)
            client.send(HALF)
            assert b"408" in await ended(client)
        assert {"headers late": 1} == refused(given)

    run(scenario, read_timeout=0.2)


def test_slow_bodies_delay_no_one_else() -> None:
    """Send more slow bodies than were once read at the same time."""

    async def scenario(play: Play, given: Context) -> None:
        with ExitStack() as clients:
            for _ in range(70):
                clients.enter_context(connect(play, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"))
            async with asyncio.timeout(5):
                assert 200 == (await play.post(payload()))[0]
        assert {} == {reason: n for reason, n in refused(given).items() if reason != "broken"}

    run(scenario, read_timeout=30.0)


def test_a_body_that_takes_too_long_is_refused() -> None:
    async def scenario(play: Play, given: Context) -> None:
        with connect(play, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{") as client:
            assert b"408" in await ended(client)
        assert {"body late": 1} == refused(given)

    run(scenario, read_timeout=0.2)


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
def test_half_open_connections_beyond_a_limit_give_way_to_later_ones(limit: str) -> None:
    async def scenario(play: Play, given: Context) -> None:
        with ExitStack() as clients:
            made = [clients.enter_context(connect(play, HALF)) for _ in range(20)]
            assert 200 == (await play.post(payload()))[0]
            for one in made[:17]:
                await ended(one)
        assert {"half-open": 17} == refused(given)

    run(scenario, **{limit: 4}, read_timeout=60.0)


def test_where_every_connection_is_authorized_the_new_one_is_refused() -> None:
    async def scenario(play: Play, given: Context) -> None:
        play.settling.clear()
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(play.post(payload(number))) for number in range(2)]
            await play.until(1)
            async with asyncio.timeout(PATIENCE):
                while 2 > _pending(given):
                    await asyncio.sleep(0.005)
            with connect(play, b"") as client:
                assert b"503 Service Unavailable" in await ended(client)
            play.settling.set()
        assert [200, 200] == [one.result()[0] for one in waiting]
        assert {"connections": 1} == refused(given)

    run(scenario, max_connections=2)


@pytest.mark.parametrize("depth", [300, 900, 1_100, 100_000])
@pytest.mark.parametrize("where", ["whole", "output_fields", "elsewhere"])
def test_json_that_is_nested_too_deeply_is_refused(depth: int, where: str) -> None:
    deep = "[" * depth + "]" * depth
    alert = json.dumps({**payload(), "x": 0})
    bodies = {
        "whole": deep,
        "output_fields": alert.replace('"number": 0', f'"number": {deep}'),
        "elsewhere": alert.replace('"x": 0', f'"x": {deep}'),
    }

    async def scenario(play: Play, given: Context) -> None:
        status, text = await play.post(bodies[where].encode())
        assert 400 == status, text
        assert [] == play.seen
        assert {"invalid": 1} == refused(given)

    run(scenario)


def test_the_numbers_of_the_default_limits_leave_room_within_each_other() -> None:
    settings = FalcoHttpSettings(token="none")
    limits = (settings.max_connections_per_peer, settings.max_connections, 1024)
    assert all(inner < outer for inner, outer in pairwise(limits))


# --- requests that are not HTTP


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_counted_and_logs_no_traceback(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(play: Play, given: Context) -> None:
        with connect(play, sent) as client:
            got = await ended(client)
        assert b"400" == got.split(b" ")[1]
        assert {"malformed": 1.0} == refused(given)
        assert (200, "") == await play.post(payload())

    run(scenario)
    assert [] == [one for one in caplog.records if one.exc_info]


def test_leave_to_send_a_body_is_given_after_the_token_was_found_good() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n"

    async def scenario(play: Play, given: Context) -> None:
        with connect(play, head + b"Expect: 100-continue\r\n\r\n") as client:
            assert (await ended(client)).startswith(b"HTTP/1.1 401 ")
        with connect(play, head + b"Authorization: Bearer 0123456789abcdef\r\nExpect: 100-continue\r\n\r\n") as client:
            assert b"HTTP/1.1 100 Continue\r\n\r\n" == await asyncio.get_running_loop().sock_recv(client, 100)
            await asyncio.get_running_loop().sock_sendall(client, b"{}")
            assert (await ended(client)).startswith(b"HTTP/1.1 400 ")
        assert {"token": 1.0, "invalid": 1.0} == refused(given)

    run(scenario, token="0123456789abcdef")
