"""Falco's objects and lines as alerts, and back as Falco's JSON."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozu.core.api import Severity
from mozu.core.common.falco_alerts import InvalidAlert
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.plugins.sources.falco_http.body import parse

NOW = 1_700_000_000.0
PAYLOAD: dict[str, Any] = {
    "hostname": "web-1",
    "output": "14:13:20.123456789: Warning A shell was started (user=root)",
    "output_fields": {
        "evt.time": 1_700_000_000_123_456_789,
        "fd.sport": 443,
        "proc.is_exe_upper_layer": True,
        "proc.name": "sh ö",
        "proc.aname[2]": None,
        "proc.args": ["a", "b"],
        "evt.latency.human": 1.5,
    },
    "priority": "Warning",
    "rule": "A shell",
    "source": "syscall",
    "tags": ["shell", "container"],
    "time": "2023-11-14T22:13:20.123456789Z",
}


def _one(**changes: Any) -> Any:
    (alert,) = parse(json.dumps({**PAYLOAD, **changes}).encode(), NOW)
    return alert


def test_an_object_of_falco_comes_out_as_it_went_in() -> None:
    document = FalcoJson().document(_one())
    assert sorted(PAYLOAD["tags"]) == document["tags"]
    expected = {key: value for key, value in PAYLOAD.items() if key not in ("tags", "output")}
    assert expected == {key: document[key] for key in expected}


def test_the_text_is_without_time_and_priority_which_formats_put_there_themselves() -> None:
    assert "A shell was started (user=root)" == _one().message()
    assert FalcoText().encode(_one()).endswith(b": Warning A shell was started (user=root)")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"message": "given apart"}, "given apart"),
        ({"output": "no prefix at all"}, "no prefix at all"),
        ({"output": "14:13:20.123456789: Error another priority"}, "14:13:20.123456789: Error another priority"),
        ({"output": "2023-11-14T22:13:20.123456789+0000: Warning two\nlines"}, "two\nlines"),
        ({"output": None}, "A shell"),
    ],
)
def test_the_text_is_found_in_every_form(changes: dict[str, Any], expected: str) -> None:
    assert expected == _one(**changes).message()


def test_the_same_payload_has_the_same_id_in_whatever_order_or_company_it_comes() -> None:
    turned = dict(reversed(PAYLOAD.items()))
    bodies = [json.dumps(PAYLOAD), json.dumps(turned), json.dumps([PAYLOAD]), json.dumps(turned) + "\n"]
    ids = {alert.id for body in bodies for alert in parse(body.encode(), NOW)}
    assert 1 == len(ids)


def test_another_payload_has_another_id() -> None:
    assert _one().id != _one(output_fields={"proc.name": "bash"}).id


def test_an_id_that_is_there_is_kept() -> None:
    assert "0188b6a4-5c3e-7d2a-9f10-000000000001" == _one(uuid="0188B6A4-5C3E-7D2A-9F10-000000000001").id


@pytest.mark.parametrize("uuid", ["", None, 7, "not one", "x" * 5000])
def test_what_is_no_id_is_not_kept(uuid: Any) -> None:
    assert 36 == len(_one(uuid=uuid).id)


def test_null_stands_for_what_go_programs_leave_empty() -> None:
    alert = _one(tags=None, output_fields=None, hostname=None, source=None)
    assert ((), "", "syscall") == (alert.tags, alert.hostname, alert.source)


def test_alerts_of_a_rule_share_their_template() -> None:
    """The spool keeps a template once."""
    assert _one().template == _one(output="14:13:20.123456789: Warning another text").template


def test_line_ends_that_a_rule_means_stay_what_they_are() -> None:
    alert = _one(output="14:13:20.123456789: Warning two\nlines")
    assert str(FalcoJson().document(alert)["output"]).endswith(": Warning two\nlines")
    assert FalcoText().encode(alert).endswith(b"two\\nlines")


def test_a_field_cannot_take_the_place_of_the_text() -> None:
    assert "A shell was started (user=root)" == _one(output_fields={"falco_http.message": "forged"}).message()


def test_what_is_nested_deeper_becomes_its_json() -> None:
    alert = _one(output_fields={"ka.req": {"a": [1]}, "ka.list": [{"b": 1}, "c"]})
    assert ('{"a":[1]}', ('{"b":1}', "c")) == (alert.values["ka.req"], alert.values["ka.list"])


@pytest.mark.parametrize("severity", Severity)
def test_every_priority_is_known_however_it_is_written(severity: Severity) -> None:
    words = (severity.label, severity.label.lower(), severity.name)
    assert [severity] * 3 == [_one(priority=word).priority for word in words]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"[]", "the array is empty"),
        (b"{", "no JSON"),
        (b'{"a": 1} trailing', "no JSON"),
        (b"[1]", "a JSON object, not a number"),
        (b"{}", "needs 'rule'"),
        (json.dumps({**PAYLOAD, "rule": ""}).encode(), "needs 'rule'"),
        (json.dumps({**PAYLOAD, "priority": "Severe"}).encode(), "none of Falco's"),
        (json.dumps({**PAYLOAD, "time": "yesterday"}).encode(), "RFC 3339"),
        (json.dumps({**PAYLOAD, "time": 5}).encode(), "needs 'time'"),
        (json.dumps({**PAYLOAD, "tags": "a"}).encode(), "array of texts"),
        (json.dumps({**PAYLOAD, "output_fields": [1]}).encode(), "must be an object, not an array"),
        (json.dumps([PAYLOAD, {}]).encode(), "alert 2 of 2: an alert needs 'rule'"),
        (json.dumps(PAYLOAD).encode() + b"\n{", "in line 2"),
        (b"\xff\xfe", "neither JSON nor UTF-8"),
        (b"just words", "TIME: PRIORITY MESSAGE"),
        (b"99:99:99.000000000: Warning x", "TIME: PRIORITY MESSAGE"),
        (b"12:00:00.000000000: Severe x", "TIME: PRIORITY MESSAGE"),
    ],
)
def test_what_is_no_alert_is_reported_in_one_sentence(body: bytes, complaint: str) -> None:
    with pytest.raises(InvalidAlert) as caught:
        parse(body, NOW)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_alerts_come_as_an_array_or_as_lines() -> None:
    objects = [{**PAYLOAD, "rule": f"Rule {number}"} for number in range(3)]
    lines = "\r\n".join(map(json.dumps, objects)) + "\n"
    assert ["Rule 0", "Rule 1", "Rule 2"] == [alert.rule for alert in parse(json.dumps(objects).encode(), NOW)]
    assert ["Rule 0", "Rule 1", "Rule 2"] == [alert.rule for alert in parse(lines.encode(), NOW)]


def test_text_lines_become_alerts_with_their_escapes_undone() -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(NOW))
    body = f'{clock}.000000005: Notice said \\"hi\\"\\n\n2023-11-14T22:13:20.000000007+0000: Error again'
    first, second = parse(body.encode(), NOW)
    assert ('said "hi"\n', Severity.NOTICE, int(NOW) * 10**9 + 5) == (first.message(), first.priority, first.time)
    assert ("again", Severity.ERROR, int(NOW) * 10**9 + 7) == (second.message(), second.priority, second.time)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*PAYLOAD, "uuid", "message"]), _json))
def test_fuzz_any_object_is_an_alert_that_encodes_or_is_refused(changes: dict[str, Any]) -> None:
    try:
        alerts = parse(json.dumps({**PAYLOAD, **changes}).encode(), NOW)
    except InvalidAlert:
        return
    for alert in alerts:
        assert b"\n" not in FalcoJson().encode(alert) + FalcoText().encode(alert)


@given(st.binary(max_size=200))
def test_fuzz_any_bytes_are_alerts_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidAlert):
        assert parse(body, NOW)
