"""A real rsyslogd reads the sink's messages."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Record
from mozu.core.common.control_chars import visible
from mozu.core.runtime.loop import run
from mozu.core.testing import context, records
from mozu.plugins.sinks.syslog import SyslogSettings, SyslogSink
from tests.support.hostile import hostile_alerts
from tests.support.rsyslog import Certificates, Rsyslog, rsyslog
from tests.support.split import needs_live

pytestmark = pytest.mark.live

COUNT = 1000
TRANSPORTS: dict[str, Callable[[Rsyslog], dict[str, Any]]] = {
    "udp": lambda daemon: {"transport": "udp", "host": "127.0.0.1", "port": daemon.udp, "max_size": 8192},
    "tcp": lambda daemon: {"transport": "tcp", "host": "127.0.0.1", "port": daemon.tcp},
    "lines": lambda daemon: {"transport": "tcp", "host": "localhost", "port": daemon.tcp, "framing": "lines"},
    "local": lambda daemon: {"path": daemon.socket},
}


@pytest.fixture(scope="module")
@needs_live
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
@needs_live
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rsyslog]:
    with rsyslog(tmp_path_factory.mktemp("plain")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
@needs_live
def secured(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Rsyslog]:
    with rsyslog(tmp_path_factory.mktemp("secured"), tls=certificates) as daemon:
        yield daemon


def send(batch: Sequence[Record], **settings: Any) -> None:
    async def main() -> None:
        sink = SyslogSink(SyslogSettings(**settings), context("siem"))
        await sink.start()
        for start in range(0, len(batch), 100):
            assert await sink.deliver(batch[start : start + 100]) is None
        await sink.stop()

    run(main())


def received_after(daemon: Rsyslog, count: int, act: Callable[[], None]) -> list[dict[str, Any]]:
    before = len(daemon.received())
    act()
    return daemon.wait_received(before + count)[before:]


def shown(text: str) -> str:
    return visible(text[:255])


def data_of(message: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = json.loads(message["data"])["rfc5424-sd"]["mozu@32473"]
    return found


@pytest.mark.parametrize("name", TRANSPORTS)
def test_every_text_arrives_as_the_encoder_made_it(plain: Rsyslog, name: str) -> None:
    batch = records(*hostile_alerts(COUNT))
    seen = received_after(plain, COUNT, lambda: send(batch, **TRANSPORTS[name](plain)))
    assert [item.body.decode() for item in batch] == [message["msg"].removeprefix(" ") for message in seen]


def test_structured_data_and_header_arrive_with_every_escape(plain: Rsyslog) -> None:
    batch = records(*hostile_alerts(COUNT, seed=2))
    seen = received_after(plain, COUNT, lambda: send(batch, **TRANSPORTS["tcp"](plain)))
    expected = [
        (item.alert.id, shown(item.alert.rule), shown(str(item.alert.values["proc.exepath"]))) for item in batch
    ]
    assert expected == [(data["uuid"], data["rule"], data["exe"]) for data in map(data_of, seen)]
    assert [str(128 + item.alert.priority) for item in batch] == [message["pri"] for message in seen]


def test_records_arrive_over_tls_with_a_client_certificate(secured: Rsyslog, certificates: Certificates) -> None:
    batch = records(*hostile_alerts(COUNT, seed=3))
    tls = tls_settings(certificates)
    address = {"transport": "tls", "host": "127.0.0.1", "port": secured.tcp}
    seen = received_after(secured, COUNT, lambda: send(batch, tls=tls, **address))
    assert [item.body.decode() for item in batch] == [message["msg"] for message in seen]


def tls_settings(certificates: Certificates, **changes: Any) -> dict[str, Any]:
    return {
        "ca": certificates.ca,
        "certificate": certificates.client,
        "key": certificates.client_key,
        "server_name": "syslog.example",
        **changes,
    }


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("no certificate", "CERTIFICATE_REQUIRED"),
        ("a stranger's certificate", "ALERT_UNKNOWN_CA"),
        ("another server name", "Hostname mismatch"),
        ("another authority", "self-signed certificate"),
    ],
)
def test_nothing_is_acknowledged_where_the_certificates_do_not_fit(
    secured: Rsyslog, certificates: Certificates, fault: str, expected: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "no certificate": {"certificate": None, "key": None},
        "a stranger's certificate": {"certificate": certificates.stranger, "key": certificates.stranger_key},
        "another server name": {"server_name": "other.example"},
        "another authority": {"ca": certificates.stranger},
    }
    tls = tls_settings(certificates, **changes[fault])
    with pytest.raises(OSError, match=expected):
        send(records(*hostile_alerts(1)), transport="tls", host="127.0.0.1", port=secured.tcp, tls=tls)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_nothing_is_missing_after_the_receiver_was_killed(
    tmp_path: Path, certificates: Certificates, transport: str
) -> None:
    batch = records(*hostile_alerts(COUNT, seed=4))
    resend, kills = COUNT, (200, 500, 800)  # a receiver loses its own queue, too

    async def main(daemon: Rsyslog) -> None:
        settings = {"transport": transport, "host": "127.0.0.1", "port": daemon.tcp, "resend": resend, "timeout": 5}
        if transport == "tls":
            settings["tls"] = tls_settings(certificates)
        sink = SyslogSink(SyslogSettings(**settings), context("siem"))
        await sink.start()
        for start in range(0, COUNT, 50):
            if start in kills:
                daemon.kill()
                await asyncio.to_thread(daemon.start)
            while not await delivered(sink, batch[start : start + 50]):
                await asyncio.sleep(0.05)
        await sink.stop()

    with rsyslog(tmp_path, tls=certificates if transport == "tls" else None) as daemon:
        run(main(daemon))
        ids = [item.alert.id for item in batch]
        daemon.wait(lambda: set(ids) <= {data_of(message)["uuid"] for message in daemon.received()}, "all of them")
        assert len(daemon.received()) <= COUNT + resend * len(kills)


async def delivered(sink: SyslogSink, batch: Sequence[Record]) -> bool:
    try:
        await sink.deliver(batch)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", ["udp", "local"])
def test_a_daemon_that_has_gone_is_noticed_and_its_successor_gets_everything_else(tmp_path: Path, name: str) -> None:
    batch = records(*hostile_alerts(200, seed=5))

    async def main(daemon: Rsyslog) -> None:
        sink = SyslogSink(SyslogSettings(**TRANSPORTS[name](daemon)), context("siem"))
        assert await delivered(sink, batch[:100])
        await asyncio.to_thread(daemon.wait_received, 100)
        daemon.kill()
        if name == "udp":  # a refusal comes back only after something was sent
            assert not await delivered(sink, batch[100:])
        await asyncio.to_thread(daemon.start)
        while not await delivered(sink, batch[100:]):
            await asyncio.sleep(0.05)
        await sink.stop()

    with rsyslog(tmp_path) as daemon:
        run(main(daemon))
        seen = [message["msg"].removeprefix(" ") for message in daemon.wait_received(200)]
        assert [item.body.decode() for item in batch] == seen
