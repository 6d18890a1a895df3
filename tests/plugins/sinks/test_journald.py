"""A real systemd-journald stores the sink's messages."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.api import Retry, Severity
from mozu.core.model.event import as_bytes
from mozu.core.runtime.loop import run
from mozu.core.testing import alert, check_sink, context, records
from mozu.plugins.sinks.journald import MESSAGE_ID, JournaldSettings, JournaldSink, entry, field_name, mozu_components
from tests.support.hostile import hostile_alerts
from tests.support.journald import Journal, journald, text
from tests.support.split import needs_live

COUNT = 1000


@pytest.fixture(scope="module")
@needs_live
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with journald(tmp_path_factory.mktemp("journal")) as daemon:
        yield daemon


def sink(path: Path, identifier: str = "mozu") -> JournaldSink:
    made = mozu_components().build(JournaldSettings(path=path, identifier=identifier), context("journal"))
    assert isinstance(made, JournaldSink)
    return made


@pytest.mark.live
def test_the_sink_keeps_the_contract(journal: Journal) -> None:
    run(check_sink(sink(journal.socket), blocking=True))


@pytest.mark.live
def test_every_text_is_stored_as_it_is(journal: Journal) -> None:
    batch = records(*hostile_alerts(COUNT))
    under_test = sink(journal.socket, "hostile")
    for start in range(0, COUNT, 100):
        assert under_test.deliver(batch[start : start + 100]) is None
    under_test.stop()
    seen = journal.wait_records(COUNT, "SYSLOG_IDENTIFIER=hostile")
    expected = [
        (item.body.decode(), as_bytes(item.alert.rule), as_bytes(str(item.alert.values["proc.cmdline"])))
        for item in batch
    ]
    fields = ("MESSAGE", "MOZU_RULE", "MOZU_PROC_CMDLINE")
    found = [tuple(text(record[name]) for name in fields) for record in seen]
    assert expected == [(message, as_bytes(rule), as_bytes(line)) for message, rule, line in found]


@pytest.mark.live
def test_an_alert_has_the_fields_by_which_people_search(journal: Journal) -> None:
    item = alert("Terminal shell", **{"container.id": "a5f6b1c2d3e4", "container.name": "web", "proc.name": "sh"})
    item.priority, item.tags = Severity.CRITICAL, ("T1059", "shell")
    under_test = sink(journal.socket, "searched")
    under_test.deliver(records(item))
    under_test.stop()
    (found,) = journal.wait_records(1, f"MOZU_UUID={item.id}")
    expected = {
        "PRIORITY": "2", "SYSLOG_IDENTIFIER": "searched", "MESSAGE_ID": MESSAGE_ID, "MOZU_RULE": "Terminal shell",
        "MOZU_SOURCE": "syscall", "MOZU_HOST": "host", "MOZU_TAG": ["T1059", "shell"], "MOZU_SEQUENCE": "1",
        "MOZU_EPOCH": "epoch", "MOZU_SINK": "under-test", "MOZU_PROC_NAME": "sh", "CONTAINER_ID": "a5f6b1c2d3e4",
        "CONTAINER_NAME": "web", "_TRANSPORT": "journal",
    }  # fmt: skip
    assert expected == {name: found[name] for name in expected}


@pytest.mark.live
def test_a_record_over_the_datagram_limit_arrives_whole(journal: Journal) -> None:
    item = alert("Long", **{"proc.cmdline": "x" * 2_000_000})
    under_test = sink(journal.socket, "long")
    under_test.deliver(records(item))
    under_test.stop()
    (found,) = journal.wait_records(1, f"MOZU_UUID={item.id}")
    assert len(found["MOZU_PROC_CMDLINE"]) == 2_000_000


@pytest.mark.live
def test_a_restarted_journal_is_found_again(tmp_path: Path) -> None:
    batch = records(*hostile_alerts(3))
    with journald(tmp_path) as daemon:
        under_test = sink(daemon.socket)
        assert under_test.deliver(batch[:1]) is None
        daemon.stop()
        with pytest.raises(OSError, match=str(daemon.socket)):
            under_test.deliver(batch[1:])
        daemon.start()
        assert under_test.deliver(batch[1:]) is None
        under_test.stop()
        seen = daemon.wait_records(3, f"MESSAGE_ID={MESSAGE_ID}")
        assert [item.alert.id for item in batch] == [record["MOZU_UUID"] for record in seen]


def test_a_missing_journal_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"/nowhere/socket: No such file"):
        sink(Path("/nowhere/socket")).deliver(records(alert()))


def test_what_was_sent_before_a_failure_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        monkeypatch.setattr("mozu.plugins.sinks.journald._SEND_TIMEOUT", 0.2)
        under_test = sink(path)
        outcomes = under_test.deliver(records(*(alert(f"rule {number}") for number in range(1000))))
        under_test.stop()
        assert outcomes is not None
        done = outcomes.index(Retry())
        assert done > 0
        assert [None] * done + [Retry()] + [Retry(tried=False)] * (999 - done) == outcomes


@pytest.mark.parametrize(
    ("key", "expected"),
    [("proc.name", "MOZU_PROC_NAME"), ("proc.aname[2]", "MOZU_PROC_ANAME_2"), ("evt.arg.a", "MOZU_EVT_ARG_A")],
)
def test_fields_of_the_event_keep_their_names_in_capitals(key: str, expected: str) -> None:
    assert field_name(key) == expected


def test_the_host_is_no_container() -> None:
    (item,) = records(alert("x", **{"container.id": "host"}))
    assert "CONTAINER_ID" not in dict(entry(item))


def test_a_value_with_a_line_end_goes_with_its_length(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        under_test = sink(path)
        under_test.deliver(records(alert("one\ntwo")))
        under_test.stop()
        assert b"\nMOZU_RULE\n" + struct.pack("<Q", 7) + b"one\ntwo\n" in listening.recv(1 << 16)
