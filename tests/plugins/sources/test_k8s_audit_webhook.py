"""An API server posts audit events: it gets 200 once their alerts are safe, and each event is judged once."""

import asyncio
import base64
import gzip
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.api import Demand, SourceUnavailable
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import context
from mozu.plugins.sources.k8s_audit.settings import K8sAuditSettings
from mozu.plugins.sources.k8s_audit.source import K8sAuditSource
from tests.support.https import Certificates
from tests.support.k8s_audit import Play, event, event_list, playing, run, settings_of
from tests.support.requirements import ROOT

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_a_list_is_split_into_events_that_a_rule_sees_one_by_one() -> None:
    async def scenario(play: Play) -> None:
        assert (200, "") == await play.post(event_list(1, 2, 3))
        assert (200, "") == await play.post(event(4))
        assert ["id-1", "id-2", "id-3", "id-4"] == play.seen
        assert 4 == play.source.counts()["pluginevent"].received

    run(scenario)


def test_the_recorded_body_of_a_real_api_server_is_accepted() -> None:
    async def scenario(play: Play) -> None:
        assert 200 == (await play.post((ROOT / "tests/data/kubernetes/audit-webhook.json").read_bytes()))[0]
        assert 2 == len(play.seen)

    run(scenario)


def test_no_answer_comes_before_the_alerts_are_safe() -> None:
    async def scenario(play: Play) -> None:
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(play.post(event_list(1)))
            await play.until(1)
            assert 400 == (await play.post(b"{"))[0]  # a later request has been answered
            assert not answer.done()
            play.settling.set()
        assert 200 == answer.result()[0]

    run(scenario, settling=False)


def test_an_event_that_is_sent_again_is_dropped_and_counted() -> None:
    """An API server without an answer in time sends its batch again, perhaps with other events."""

    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(event_list(1, 2)))[0]
        assert 200 == (await play.post(event_list(2, 3, 3)))[0]
        assert 200 == (await play.post(event_list(1, 2)))[0]
        assert ["id-1", "id-2", "id-3"] == play.seen
        assert {"": 4.0} == play.metrics("k8s_audit_duplicates_total")

    run(scenario)


def test_the_stages_of_a_request_and_events_with_an_id_chosen_by_a_client_are_no_duplicates() -> None:
    """The header Audit-ID sets the auditID, so that an attacker could choose a known one."""

    async def scenario(play: Play) -> None:
        events = [event(1), event(1, stage="ResponseStarted"), event(1, verb="delete", requestURI="/api/v1/nodes/n")]
        assert 200 == (await play.post(events))[0]
        assert 3 == len(play.seen)

    run(scenario)


def test_the_memory_of_events_is_bounded() -> None:
    async def scenario(play: Play) -> None:
        for first in range(0, 100, 10):
            await play.post(event_list(*range(first, first + 10)))
        await play.post(event_list(99))
        assert 100 == len(play.seen)
        await play.post(event_list(0))
        assert 101 == len(play.seen)

    run(scenario, remembered_events=20)


def test_the_numbers_of_events_are_the_same_in_another_run() -> None:
    numbers: list[list[int]] = []

    async def scenario(play: Play) -> None:
        await play.post(event_list(1, 2))
        numbers.append([one.num for batch in play.batches for one in batch])
        assert "k8s_audit" == play.source.origin

    run(scenario)
    run(scenario)
    assert numbers[0] == numbers[1]
    assert 2 == len({*numbers[0]})


def test_beyond_the_bound_the_api_server_gets_503_and_keeps_its_events() -> None:
    async def scenario(play: Play) -> None:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(play.post(event_list(1, 2)))
            await play.until(2)
            assert (503, "too many audit events are pending; send them again\n") == await play.post(event_list(3))
            assert {"": 2.0} == play.metrics("k8s_audit_pending_events")
            play.settling.set()
        assert 200 == waiting.result()[0] == (await play.post(event_list(3)))[0]
        assert ["id-1", "id-2", "id-3"] == play.seen
        assert {"pending": 1.0} == play.metrics("http_refused_total")

    run(scenario, settling=False, max_pending_events=2)


def test_events_that_are_not_safe_in_time_are_sent_again_and_judged_once() -> None:
    async def scenario(play: Play) -> None:
        assert (503, "the audit events are not safe yet; they have ids, so send them again\n") == await play.post(
            event_list(1)
        )
        play.settling.set()
        assert 200 == (await play.post(event_list(1, 2)))[0]
        assert ["id-1", "id-2"] == play.seen

    run(scenario, settling=False, response_timeout=0.1)


def test_a_client_beyond_its_rate_gets_429() -> None:
    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(event_list(*range(20))))[0]
        status, text = await play.post(event_list(20))
        assert (429, "this client has used up its rate of audit events; send them again later\n") == (status, text)

    run(scenario, rate=1)


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[1]", gzip.compress(b"{", mtime=0)], ids=repr)
def test_a_body_without_events_is_refused_with_one_sentence(body: bytes) -> None:
    async def scenario(play: Play) -> None:
        status, text = await play.post(body)
        assert (400, True) == (status, text.startswith("there is no audit event of Kubernetes in it: "))
        assert {"invalid": 1.0} == play.metrics("http_refused_total")
        assert 1 == sum(play.metrics("k8s_audit_refused_total").values())
        assert 200 == (await play.post(event_list(1)))[0]

    run(scenario)


def test_a_body_that_is_too_large_is_refused_packed_or_not() -> None:
    async def scenario(play: Play) -> None:
        body = b" " * 3000
        assert 413 == (await play.post(body))[0]
        assert 413 == (await play.post(gzip.compress(body), headers={"Content-Encoding": "gzip"}))[0]
        assert 400 == (await play.post(gzip.compress(body)))[0]  # packed without saying so, as CloudWatch's are
        assert {"too large": 1.0} == play.metrics("k8s_audit_refused_total")

    run(scenario, max_bytes=2048)


def test_slow_and_half_open_clients_do_not_delay_the_api_server() -> None:
    async def scenario(play: Play) -> None:
        port = play.source.port
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        try:
            for number, one in enumerate(slow):
                one.sendall((b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{", b"POST", b"")[number % 3])
            assert 200 == (await play.post(event_list(1)))[0]
        finally:
            for one in slow:
                one.close()

    run(scenario, max_connections=9, max_connections_per_peer=9)


def _basic(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer fedcba9876543210"}, 200),
        (_basic(f"mozu:{TOKEN}"), 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
    ],
)
def test_a_token_is_required(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "other").write_text("fedcba9876543210")

    async def scenario(play: Play) -> None:
        assert status == (await play.post(event_list(1), headers=headers))[0]
        assert (["id-1"] if status == 200 else []) == play.seen

    run(scenario, token={"file": str(tmp_path / "token")}, tokens={"east": {"file": str(tmp_path / "other")}})


def test_tokens_rotate_while_the_api_server_posts(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)

    async def scenario(play: Play) -> None:
        path.write_text("fedcba9876543210")
        play.source.change_settings(settings_of(token={"file": str(path)}))
        assert 401 == (await play.post(event_list(1), headers={"Authorization": f"Bearer {TOKEN}"}))[0]
        assert 200 == (await play.post(event_list(1), headers={"Authorization": "Bearer fedcba9876543210"}))[0]

    run(scenario, token={"file": str(path)})


def test_a_client_certificate_is_required_where_tls_client_ca_is_set(certificates: Certificates) -> None:
    tls = {"certificate": certificates.server, "key": certificates.server_key, "client_ca": certificates.ca}
    known = certificates.client_context()
    known.load_cert_chain(certificates.client, certificates.client_key)

    async def scenario(play: Play) -> None:
        assert 200 == (await play.post(event_list(1)))[0]

    run(scenario, known, tls=tls)

    async def refused(play: Play) -> None:
        with pytest.raises(OSError, match=r"SSL|ssl|reset|disconnected"):
            await play.post(event_list(1))

    run(refused, certificates.client_context(), tls=tls)


def test_a_port_that_is_taken_is_reported_with_a_remedy() -> None:
    async def main() -> None:
        async with playing() as play:
            other = K8sAuditSource(settings_of(listen=f"127.0.0.1:{play.source.port}"), context())
            (obstacle,) = other.obstacles()
            assert obstacle.held
            with pytest.raises(SourceUnavailable, match=r"k8s_audit cannot listen on .* stop what holds the port"):
                await other.start(Demand())

    run_loop(main())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "set either `listen`, for the API server's webhook, or `files`"),
        ({"listen": "127.0.0.1:1", "token": "none", "files": ["a"]}, "set either `listen`"),
        ({"listen": "127.0.0.1:1"}, "token: without one every program of this machine could forge audit events"),
        ({"listen": "0.0.0.0:1", "token": "none"}, "can be reached from other machines"),
        ({"files": ["-", "a"]}, "the standard input, stands alone"),
        ({"files": ["a", "a"]}, "a file is named twice"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_remedy(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        K8sAuditSettings.model_validate(settings)
