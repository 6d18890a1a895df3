"""Messages by their grammar, for any text."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozu.core.api import Alert, Record, Severity
from mozu.core.common.control_chars import visible
from mozu.core.testing import alert, records
from mozu.plugins.sinks.syslog.message import Formatter, slug
from mozu.plugins.sinks.syslog.settings import SyslogSettings
from tests.support.rfc5424 import parse

UDP = {"transport": "udp"}
ANY = st.text(st.characters(min_codepoint=0, max_codepoint=0x2FFF) | st.sampled_from('"\\][\n\x9b\udc80'), max_size=300)


def formatted(record: Record, **settings: Any) -> bytes:
    return Formatter(SyslogSettings(**{**UDP, "max_size": 1 << 20, **settings})).format(record)


def record(item: Alert | None = None, body: bytes | None = None) -> Record:
    made = records(item or alert())[0]
    if body is not None:
        made.body = body
    return made


@given(rule=ANY, text=ANY, tag=ANY, host=ANY, exe=ANY)
def test_property_any_text_comes_back_as_it_was_from_a_message_that_keeps_the_grammar(
    rule: str, text: str, tag: str, host: str, exe: str
) -> None:
    item = alert(rule, text, **{"proc.exepath": exe})
    item.tags, item.hostname = (tag,), host
    made = record(item)
    message = parse(formatted(made))
    reported = message.data["mozu@32473"]

    def shown(value: str) -> str:
        return visible(value[:255])

    expected = {"rule": shown(rule), "tags": shown(tag), "exe": shown(exe), "uuid": item.id, "sequence": "1"}
    assert expected == {name: reported[name] for name in expected}
    assert made.body.decode() == message.text


@pytest.mark.parametrize("char", ["\u202e", "\u2067", "\u200b", "\u2060", "\ufeff", "\x9b"])
def test_structured_data_spells_out_what_reorders_or_hides_text(char: str) -> None:
    item = alert(f"rule{char}", **{"proc.exepath": f"/tmp/{char}exe"})
    item.tags = (f"t{char}",)
    raw = formatted(record(item)).decode()
    assert (False, 3) == (char in raw, raw.count(f"\\\\u{ord(char):04x}"))


def test_the_message_says_who_when_and_what() -> None:
    item = alert("Terminal shell in container")
    item.time, item.priority, item.hostname = 1_700_000_000_123_456_789, Severity.CRITICAL, "web-1"
    message = parse(formatted(record(item), facility="authpriv", app_name="perch"))
    when = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    reported = (message.facility, message.severity, message.time, message.host, message.app, message.msgid)
    assert (10, 2, when, "web-1", "perch", "Terminal-shell-in-container") == reported


def test_the_structured_data_names_the_alert_and_its_place_in_the_order() -> None:
    item = alert("A rule")
    item.values = {"proc.pid": 42, "container.id": "a5f6", "user.uid": 0}
    item.tags = ("T1059", "shell")
    data = parse(formatted(record(item), enterprise=55555)).data
    assert data == {
        "mozu@55555": {
            "uuid": item.id, "rule": "A rule", "priority": "Notice", "source": "syscall", "agent": "host",
            "sink": "under-test", "epoch": "epoch", "sequence": "1", "pid": "42", "cid": "a5f6", "uid": "0",
            "tags": "T1059,shell",
        },
        "meta": {"sequenceId": "1"},
    }  # fmt: skip


def test_sequence_ids_start_again_where_the_standard_ends() -> None:
    made = record()
    last = 2_147_483_647
    stamps = [type(made.stamp)("a", "s", "e", number) for number in (last, last + 1)]
    found = []
    for stamp in stamps:
        made.stamp = stamp
        found.append(parse(formatted(made)).data["meta"]["sequenceId"])
    assert found == [str(last), "1"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Read sensitive file untrusted", "Read-sensitive-file-untrusted"),
        ("a" * 40, "a" * 32),
        ("\u30e2\u30ba", "-"),
        ("", "-"),
        ("--x<>y", "x-y"),
    ],
)
def test_a_message_id_is_the_rules_name_in_plain_letters(rule: str, expected: str) -> None:
    assert slug(rule) == expected


def test_a_byte_order_mark_is_there_only_on_demand() -> None:
    assert [parse(formatted(record(), bom=bom)).has_bom for bom in (False, True)] == [False, True]


def test_the_configured_host_replaces_the_alerts() -> None:
    assert parse(formatted(record(), hostname="edge 7")).host == "edge_7"


def test_the_older_form_has_host_and_tag() -> None:
    item = alert()
    item.time = 1_700_000_000_000_000_000
    found = formatted(record(item, b"text"), protocol="rfc3164").decode()
    assert re.fullmatch(r"<133>Nov 1[45] \d\d:\d\d:20 host mozu\[\d+\]: text", found)


def test_the_local_daemon_gets_no_host_name() -> None:
    found = formatted(record(body=b"text"), transport="local").decode()
    assert re.fullmatch(r"<133>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mozu\[\d+\]: text", found)


def test_a_body_with_line_ends_becomes_one_line() -> None:
    assert formatted(record(body=b"one\ntwo\x00\xff"), protocol="rfc3164").endswith(
        b": one\\u000atwo\\u0000" + "\ufffd".encode()
    )


def test_a_message_that_is_too_long_is_cut_with_a_mark() -> None:
    made = formatted(record(body="\u30e2".encode() * 5000), max_size=1024)
    assert len(made) <= 1024
    assert re.search(r"\u30e2\.\.\.\[cut \d+ bytes\]$", parse(made).text)


def test_a_head_that_leaves_no_room_keeps_id_and_number() -> None:
    item = alert('"' * 255, **{"proc.exepath": "\\" * 255})
    item.tags = ("]" * 255,)
    made = formatted(record(item), max_size=1024)
    assert len(made) <= 1024
    assert {"uuid": item.id, "sequence": "1"} == parse(made).data["mozu@32473"]


def test_datagrams_are_cut_at_what_every_receiver_takes() -> None:
    limits = {name: SyslogSettings(transport=name).message_limit for name in ("udp", "tcp")}
    assert {"udp": 2048, "tcp": 65536} == limits
