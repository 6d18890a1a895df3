"""Ways to authenticate to a real Apache Kafka: at length, across forced disconnects, and with a refusal."""

import asyncio
import gc
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Outcome, Record, Retry
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import KafkaSink
from tests.support.kafka.attempts import Attempts
from tests.support.kafka.cluster import PASSWORD, REAUTH_MS, USER, Cluster, cluster
from tests.support.kafka.console import consume, create
from tests.support.kafka.delivering import until_taken
from tests.support.kafka.tokens import CLIENT, SECRET, authorization_server, token
from tests.support.starvation import SLOWER

Json = dict[str, Any]

FULL = os.environ.get("MOZU_CHAOS") == "full"
ALERTS, MINUTE = (10_000, 65.0) if FULL else (200, 5.0)
"""Count of alerts for each way; seconds of traffic across disconnects."""

pytestmark = pytest.mark.timeout(SLOWER * (900 if FULL else 240))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


def sink(server: str, topic: str, **settings: Any) -> KafkaSink:
    chosen = {"bootstrap_servers": (server,), "topic": topic, "timeout": 5, **settings}
    return KafkaSink(KafkaSettings(**chosen), context(content_type="application/json"))


def batch_of(count: int) -> list[Record]:
    return records(*(alert(f"rule {number % 10}") for number in range(count)))


def ids(batch: list[Record]) -> list[str]:
    return [record.alert.id for record in batch]


def arrived(kafka: Cluster, topic: str, count: int) -> list[str]:
    return [json.loads(message.value)["uuid"] for message in consume(kafka, topic, count=count)]


def named(mechanism: str, password: str = PASSWORD) -> Json:
    return {"mechanism": mechanism, "user": USER, "password": password}


def fetched(url: str, secret: str = SECRET) -> Json:
    client = {"client_id": CLIENT, "client_secret": secret, "scope": "kafka"}
    return {"mechanism": "OAUTHBEARER", "token_url": url, **client}


WAYS: dict[str, Callable[[Cluster, Path], Json]] = {
    "TLS": lambda c, _: {"security_protocol": "SSL", "tls": {"ca": c.certificates.ca}},
    "MTLS": lambda c, _: {"security_protocol": "SSL", "tls": {
        "ca": c.certificates.ca, "certificate": c.certificates.client, "key": c.certificates.client_key}},
    "SASLPLAIN": lambda c, _: {"security_protocol": "SASL_PLAINTEXT", "sasl": named("PLAIN")},
    "SCRAM": lambda c, _: {
        "security_protocol": "SASL_SSL", "tls": {"ca": c.certificates.ca}, "sasl": named("SCRAM-SHA-512")},
    "REAUTH": lambda c, _: {"security_protocol": "SASL_PLAINTEXT", "sasl": named("SCRAM-SHA-256")},
    "OAUTH": lambda c, folder: {
        "security_protocol": "SASL_PLAINTEXT", "sasl": {"mechanism": "OAUTHBEARER", "token_file": folder / "token"}},
}  # fmt: skip


@pytest.mark.parametrize("listener", WAYS)
def test_mozu_proves_who_it_is(kafka: Cluster, listener: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(token())
    topic = f"proved.{listener}"
    create(kafka, topic)
    batch = batch_of(ALERTS)

    async def run() -> None:
        made = sink(kafka.server(listener), topic, **WAYS[listener](kafka, tmp_path))
        for start in range(0, ALERTS, 500):
            await until_taken(made, batch[start : start + 500])
        await made.stop()

    asyncio.run(run())
    assert sorted(ids(batch)) == sorted(arrived(kafka, topic, ALERTS))


async def traffic(made: KafkaSink, batch: list[Record]) -> None:
    """Deliver ten alerts at a time, evenly over the minute."""
    began = asyncio.get_running_loop().time()
    for start in range(0, len(batch), 10):
        await until_taken(made, batch[start : start + 10])
        due = began + MINUTE * (start + 10) / len(batch)
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
    await made.stop()


def test_connections_that_the_broker_ends_for_want_of_a_new_proof_cost_nothing(
    kafka: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(kafka, "reauth", partitions=1)
    batch, attempts = batch_of(400), Attempts(monkeypatch)
    made = sink(kafka.server("REAUTH"), "reauth", security_protocol="SASL_PLAINTEXT", sasl=named("SCRAM-SHA-256"))
    asyncio.run(traffic(made, batch))
    assert ids(batch) == arrived(kafka, "reauth", len(batch))
    assert len(attempts.at) >= MINUTE * 1000 / REAUTH_MS / 2, "the broker ended no connection"


def test_tokens_of_an_authorization_server_are_fetched_anew_when_they_end(
    kafka: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(kafka, "tokens", partitions=1)
    batch, attempts = batch_of(ALERTS), Attempts(monkeypatch)

    async def run() -> list[str | None]:
        async with authorization_server(seconds=REAUTH_MS / 1000) as server:
            made = sink(kafka.server("OAUTH"), "tokens", security_protocol="SASL_PLAINTEXT", sasl=fetched(server.url))
            await traffic(made, batch)
            return server.scopes

    scopes = asyncio.run(run())
    assert ids(batch) == arrived(kafka, "tokens", len(batch))
    assert len(attempts.at) >= MINUTE * 1000 / REAUTH_MS / 2, "the broker ended no connection"
    assert {"kafka"} == set(scopes)
    assert len(scopes) >= MINUTE * 1000 / REAUTH_MS / 2


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in mozu's log; aiokafka's own lines reach only the sink."""
    shown = (record for record in caplog.records if record.name.startswith("mozu"))
    return [record.getMessage() for record in shown if record.levelno >= logging.WARNING]


async def once(made: KafkaSink) -> list[Outcome]:
    """Return the outcomes of the first delivery."""
    try:
        return list(await made.deliver(batch_of(1)))
    finally:
        await made.stop()


REFUSED: dict[str, tuple[str, Callable[[Cluster], Json], str]] = {
    "a wrong password": (
        "SCRAM",
        lambda c: {
            "security_protocol": "SASL_SSL", "tls": {"ca": c.certificates.ca}, "sasl": named("SCRAM-SHA-512", "wrong")},
        "SaslAuthenticationFailed",
    ),
    "a mechanism that is off": (
        "SASLPLAIN",
        lambda c: {"security_protocol": "SASL_PLAINTEXT", "sasl": named("SCRAM-SHA-512")},
        "UnsupportedSaslMechanism",
    ),
    "an unknown authority": (
        "TLS",
        lambda c: {"security_protocol": "SSL", "tls": {"ca": c.certificates.other_ca}},
        "certificate verify failed",
    ),
    "a broker's certificate that has expired": (
        "EXPIRED",
        lambda c: {"security_protocol": "SSL", "tls": {"ca": c.certificates.ca}},
        "certificate has expired",
    ),
    "a certificate of another host": (
        "TLS",
        lambda c: {
            "bootstrap_servers": (c.server("TLS").replace("127.0.0.1", "127.1"),),
            "security_protocol": "SSL", "tls": {"ca": c.certificates.ca}},
        "certificate is not valid for '127.1'",
    ),
    "a certificate of mozu by an unknown authority": (
        "MTLS",
        lambda c: {"security_protocol": "SSL", "tls": {"ca": c.certificates.ca, "certificate": c.certificates.stranger,
                                              "key": c.certificates.stranger_key}},
        "certificate",
    ),
    "no certificate": (
        "MTLS",
        lambda c: {"security_protocol": "SSL", "tls": {"ca": c.certificates.ca}},
        "does the broker ask for `tls.certificate`",
    ),
    "a certificate of mozu that has expired": (
        "MTLS",
        lambda c: {"security_protocol": "SSL", "tls": {"ca": c.certificates.ca, "certificate": c.certificates.expired,
                                              "key": c.certificates.expired_key}},
        "certificate",
    ),
    "a token that has expired": (
        "OAUTH",
        lambda c: {"security_protocol": "SASL_PLAINTEXT", "sasl": {"mechanism": "OAUTHBEARER", "token": token(-60)}},
        "SaslAuthenticationFailed",
    ),
    "a token's file that is not there": (
        "OAUTH",
        lambda c: {
            "security_protocol": "SASL_PLAINTEXT", "sasl": {"mechanism": "OAUTHBEARER", "token_file": "/nonexistent"}},
        "the token file /nonexistent cannot be read",
    ),
    "an authorization server that is not there": (
        "OAUTH",
        lambda c: {"security_protocol": "SASL_PLAINTEXT", "sasl": fetched("http://127.0.0.1:1/token")},
        "no token from the authorization server http://127.0.0.1:1/token",
    ),
    "a port of another protocol": ("SASLPLAIN", lambda c: {}, "is `security_protocol` that of this port?"),
    "no broker": ("CONTROLLER", lambda c: {"bootstrap_servers": ("127.0.0.1:1",)}, "Connect"),
}  # fmt: skip


# Under load asyncio leaves the socket of a handshake that is cancelled to the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_a_connection_that_is_refused_is_retried_and_reported_in_one_line(
    kafka: Cluster, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    listener, settings, reason = REFUSED[what]
    chosen = {"timeout": 3, **settings(kafka)}
    made = sink(chosen.pop("bootstrap_servers", (kafka.server(listener),))[0], "refused", **chosen)
    assert [Retry(tried=False)] == asyncio.run(once(made))
    gc.collect()  # now, or the warning hits whichever test runs at the next collection
    reported_in_one_line(caplog, reason)


def test_a_secret_that_the_authorization_server_refuses_is_reported_in_one_line(
    kafka: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Outcome]:
        async with authorization_server() as server:
            return await once(
                sink(
                    kafka.server("OAUTH"), "refused", security_protocol="SASL_PLAINTEXT",
                    sasl=fetched(server.url, "wrong"),
                )
            )

    assert [Retry(tried=False)] == asyncio.run(run())
    reported_in_one_line(caplog, "/token answers 401")


def reported_in_one_line(caplog: pytest.LogCaptureFixture, reason: str) -> None:
    lines = warnings(caplog)
    assert 1 == len(lines)
    assert lines[0].startswith(("no connection to Kafka (127.0.0.1:", "no connection to Kafka (127.1:"))
    assert reason in lines[0]
    assert PASSWORD not in caplog.text
