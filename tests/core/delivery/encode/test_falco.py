import json
import time
from typing import Any

import pytest

from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.model.alert import Alert, Ref, Severity, Template

TIME = 1_767_225_600_000_000_001
"""2026-01-01T00:00:00.000000001Z"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def an_alert(*parts: str | Ref, source: str = "syscall", **values: Any) -> Alert:
    return Alert(
        rule="A rule",
        priority=Severity.WARNING,
        source=source,
        time=TIME,
        template=Template(parts),
        values=values,
        tags=("a", "b"),
        hostname="node-a",
        id="00000000-0000-8000-8000-000000000000",
    )


def text(*parts: str | Ref, **values: Any) -> str:
    return FalcoText().encode(an_alert(*parts, **values)).decode()


def document(*parts: str | Ref, **values: Any) -> Any:
    return json.loads(FalcoJson().encode(an_alert(*parts, **values)))


def test_the_text_line_has_local_time_priority_and_message() -> None:
    assert "00:00:00.000000001: Warning opened x" == text("opened ", Ref("name", "string"), name="x")


def test_the_iso_form_of_the_time_is_utc() -> None:
    assert FalcoText(iso_time=True).encode(an_alert("m")).startswith(b"2026-01-01T00:00:00.000000001+0000: Warning m")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ('a"b', r"a\"b"),
        ("a\\b", r"a\\b"),
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\u001b[31mb"),
        ("a\x9b31mb", r"a\u009b31mb"),
        ("a\u2028b", r"a\u2028b"),
        ("a\udc80b", "a\N{REPLACEMENT CHARACTER}b"),
        ("é", "é"),
    ],
)
def test_hostile_text_stays_on_one_line_and_off_the_terminal(hostile: str, shown: str) -> None:
    assert f"00:00:00.000000001: Warning {shown}" == text(Ref("name", "string"), name=hostile)


def test_a_missing_value_prints_na() -> None:
    assert text(Ref("name", "string")).endswith("<NA>")


def test_a_width_cuts_or_pads_in_bytes() -> None:
    assert text(Ref("name", "string", width=4), "|", name="é").endswith("é  |")
    assert text(Ref("name", "string", width=2), "|", name="abc").endswith("ab|")


def test_the_json_object_has_its_keys_in_order() -> None:
    raw = FalcoJson().encode(an_alert("m"))
    keys = ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time", "uuid"]
    assert keys == list(json.loads(raw))


def test_the_json_output_is_the_text_line_unescaped() -> None:
    assert '00:00:00.000000001: Warning a"b' == document(Ref("name", "string"), name='a"b')["output"]


@pytest.mark.parametrize(
    ("value", "ref", "expected"),
    [
        (5, Ref("v", "uint"), 5),
        (255, Ref("v", "uint", "hex"), "FF"),
        (5, Ref("v", "reltime", "padded"), 5),
        (True, Ref("v", "bool"), True),
        (1.5, Ref("v", "double"), 1.5),
        (b"\x7f\0\0\1", Ref("v", "ipaddr"), "127.0.0.1"),
        (b"a\0b", Ref("v", "bytes"), "a.b"),
        (("a", "b"), Ref("v", "string", is_list=True), ["a", "b"]),
        (None, Ref("v", "string"), None),
        ("\udcff", Ref("v", "string"), "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_values_keep_their_types_in_output_fields(value: Any, ref: Ref, expected: Any) -> None:
    assert expected == document(ref, v=value)["output_fields"]["v"]


def test_output_fields_always_hold_the_events_time_as_a_number() -> None:
    assert {"evt.time": TIME} == document("m")["output_fields"]


def test_a_time_text_becomes_the_events_time() -> None:
    fields = document(Ref("evt.datetime", "string", is_time=True), **{"evt.datetime": "2026"})["output_fields"]
    assert TIME == fields["evt.datetime"]


def test_controls_in_values_are_replaced_in_json_and_those_of_the_rules_own_text_are_not() -> None:
    shown = document("tab\there ", Ref("name", "string"), name="a\tb\x1b[31m")
    assert ("00:00:00.000000001: Warning tab\there a\ufffdb\ufffd[31m", "a\ufffdb\ufffd[31m") == (
        shown["output"],
        shown["output_fields"]["name"],
    )


def test_a_transformer_prints_and_has_no_key() -> None:
    made = document(Ref("toupper(a)", "string", is_field=False), **{"toupper(a)": "A"})
    assert ({"evt.time": TIME}, True) == (made["output_fields"], made["output"].endswith("A"))


def test_a_message_of_mozu_itself_is_bare_text_without_tags() -> None:
    made = document("lost", source="internal")
    assert ("lost", False) == (made["output"], "tags" in made)


def test_output_fields_are_never_empty_because_falcosidekick_refuses_that() -> None:
    assert {"evt.time": TIME} == document("lost", source="internal")["output_fields"]


def test_a_message_of_mozu_itself_carries_its_fields_in_text() -> None:
    alert = an_alert(source="internal", sink="x", first=1)
    alert.template = Template(("dropped",), (Ref("sink", "string"), Ref("first", "uint")))
    assert b'00:00:00.000000001: Warning dropped (first=1 sink="x")' == FalcoText().encode(alert)
