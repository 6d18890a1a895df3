"""Bodies made from alerts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozu.core.api import Record, Severity
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.testing import alert, records
from mozu.plugins.sinks.webhook.body_template import TemplateError, parse
from mozu.plugins.sinks.webhook.templates import BUILTIN_TEMPLATES


def _record(**values: Any) -> Record:
    made = alert("A rule", "something happened", **values)
    made.tags, made.priority, made.hostname = ("a", "b"), Severity.WARNING, "web-1"
    return records(made)[0]


def _rendered(structure: Any, **values: Any) -> Any:
    return json.loads(parse(structure).render(_record(**values)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${rule}", "A rule"),
        ("${priority}", "Warning"),
        ("${severity}", 4),
        ("${level}", "warning"),
        ("${hostname}", "web-1"),
        ("${tags}", ["a", "b"]),
        ("${tags|text}", "a,b"),
        ("${sequence}", 1),
        ("${sequence|text}", "1"),
        ("${output_fields.proc.pid}", 42),
        ("${output_fields.proc.pid|text}", "42"),
        ("${output_fields.proc.aname[2]}", None),
        ("${output_fields.proc.aname[2]:-none}", "none"),
        ("${output_fields.proc.pid:-none}", 42),
        ("pid ${output_fields.proc.pid} of ${hostname}", "pid 42 of web-1"),
        ("by ${output_fields.proc.aname[2]}", "by <NA>"),
        ("by ${output_fields.proc.aname[2]:-}", "by "),
        ("$${rule} $ {} }", "${rule} $ {} }"),
        ("", ""),
        ("plain", "plain"),
    ],
)  # fmt: skip
def test_a_text_becomes_what_its_references_say(text: str, expected: Any) -> None:
    assert {"x": expected} == _rendered({"x": text}, **{"proc.pid": 42})


def test_what_is_no_text_stays_as_it_is() -> None:
    structure = {"a": 1, "b": [True, None, 2.5, {"c": "${rule}"}]}
    assert {"a": 1, "b": [True, None, 2.5, {"c": "A rule"}]} == _rendered(structure)


def test_the_record_is_embedded_as_the_format_wrote_it() -> None:
    record = _record()
    assert json.loads(record.body) == json.loads(parse({"r": "${record}"}).render(record))["r"]


@given(st.text() | st.sampled_from(['", "x": "', "\\", "${rule}", "\u2028", "\udc80", "\x1b[31m", "\x00"]))
def test_no_value_can_add_to_the_body(value: str) -> None:
    """Hostile text stays within its string, is one line, and is no reference of its own."""
    record = _record(**{"proc.name": value})
    body = parse({"a": "<${output_fields.proc.name}>", "b": 1}).render(record)
    shown = json.loads(FalcoJson().encode(record.alert))["output_fields"]["proc.name"]
    assert b"\n" not in body
    assert {"a": f"<{shown}>", "b": 1} == json.loads(body)


@pytest.mark.parametrize(
    ("structure", "complaint"),
    [
        ({"x": "${rulle}"}, "did you mean 'rule'"),
        ({"x": "${proc.name}"}, "did you mean 'output_fields.proc.name'"),
        ({"x": "${}"}, "not known"),
        ({"x": "${rule"}, "is no reference"),
        ({"x": "${rule|upper}"}, "is no reference"),
        ({"${rule}": 1}, "only values may"),
        ({1: "x"}, "must be text"),
        ({"x": ["${zzzz}"]}, "x[0]"),
        ("not json", "is not JSON"),
        ('"text"', "a mapping or a list"),
    ],
)
def test_a_mistake_in_a_template_is_reported_when_it_is_read(structure: Any, complaint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(structure)
    assert complaint in str(caught.value)


def test_a_template_may_not_be_nested_without_end() -> None:
    structure: Any = "x"
    for _ in range(40):
        structure = [structure]
    with pytest.raises(TemplateError, match="32 deep"):
        parse(structure)


def test_falcosidekick_gets_what_it_asks_for() -> None:
    """Falcosidekick refuses an alert without rule, priority or time, or with empty output_fields; mozu's own alerts
    have no fields.
    """
    notice = alert("Loss")
    notice.source = "internal"
    for record in (_record(**{"proc.pid": 42}), records(notice)[0]):
        document = json.loads(parse(BUILTIN_TEMPLATES["falcosidekick"].body).render(record))
        assert all(document[key] for key in ("rule", "priority", "time", "output", "uuid", "source", "hostname"))
        assert document["output_fields"]


def test_alertmanager_gets_labels_of_text_only() -> None:
    document = json.loads(parse(BUILTIN_TEMPLATES["alertmanager"].body).render(_record()))
    assert all(isinstance(value, str) and value for value in document["labels"].values())
    assert {"alertname", "rule", "source", "priority", "severity", "hostname", "uuid"} == set(document["labels"])
    assert document["startsAt"].endswith("Z")


def test_splunk_gets_an_event_with_its_time_in_seconds() -> None:
    record = _record(**{"proc.pid": 42})
    document = json.loads(parse(BUILTIN_TEMPLATES["splunk_hec"].body).render(record))
    assert record.alert.time / 1e9 == pytest.approx(document["time"], abs=0.001)
    assert ("web-1", "A rule", 42) == (
        document["host"],
        document["event"]["rule"],
        document["event"]["output_fields"]["proc.pid"],
    )


def test_splunks_information_model_gets_its_fields_and_words() -> None:
    """`severity` has prescribed values: critical, high, medium, low, informational."""
    record = _record(**{"fd.cip": "10.0.0.2"})
    record.alert.tags = ("T1059.004", "mitre_execution")
    record.alert.enrichment = {"proc.pid": 42, "proc.entity_id": "e1", "user.name": "root"}
    template = BUILTIN_TEMPLATES["splunk_cim"]
    event = json.loads(parse(template.body, levels=template.levels).render(record))["event"]

    assert {
        "app": "mozu", "type": "alert", "signature": "A rule", "dest": "web-1", "src": "10.0.0.2", "user": "root",
        "process_id": 42, "process_guid": "e1", "mitre_technique_id": ["T1059.004"],
    }.items() <= event.items()  # fmt: skip
    assert event["severity"] in {"critical", "high", "medium", "low", "informational"}
    assert set(template.levels.values()) == {"critical", "high", "medium", "low", "informational"}
    assert event["id"] == record.alert.id


def test_googles_data_model_gets_a_noun_a_result_and_words_of_its_enumerations() -> None:
    """The reference of the Chronicle API has the names and enumerators: UDM, Metadata, Noun, Process,
    SecurityResult.
    """
    record = _record()
    record.alert.tags = ("T1059.004",)
    record.alert.enrichment = {"proc.pid": 42, "proc.exepath": "/bin/sh", "user.name": "root", "proc.ppid": 7}
    template = BUILTIN_TEMPLATES["google_udm"]
    udm = json.loads(parse(template.body, levels=template.levels).render(record))["udm"]
    process = {"pid": "42", "commandLine": "", "file": {"fullPath": "/bin/sh"}}
    parent = {"pid": "7", "commandLine": "", "file": {"fullPath": ""}}

    assert {"metadata", "principal", "securityResult", "additional"} == udm.keys()
    assert ("GENERIC_EVENT", record.alert.id) == (udm["metadata"]["eventType"], udm["metadata"]["productLogId"])
    assert {
        "hostname": "web-1", "platform": "LINUX", "user": {"userid": "root"},
        "process": {**process, "parentProcess": parent},
    } == udm["principal"]  # fmt: skip
    (result,) = udm["securityResult"]
    assert ("ALERTING", "A rule", "MEDIUM") == (result["alertState"], result["ruleName"], result["severity"])
    assert {"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"} == set(template.levels.values())
    assert {"agent", "sink", "epoch", "sequence"} <= udm["additional"].keys()
    assert ["T1059.004"] == udm["additional"]["techniques"]


def test_sentinels_information_model_gets_its_mandatory_fields_and_words() -> None:
    """The schema AlertEvent 0.1 and ASIM's common fields have these classes and words."""
    record = _record()
    record.alert.tags = ("T1059.004", "T1005", "mitre_execution")
    record.alert.enrichment = {"proc.pid": 42, "user.name": "root", "evt.host_id": "h1"}
    template = BUILTIN_TEMPLATES["sentinel_asim"]
    event = json.loads(parse(template.body, levels=template.levels).render(record))
    mandatory = {"EventCount", "EventStartTime", "EventEndTime", "EventType", "EventUid", "EventProduct", "EventVendor",
                 "EventSchema", "EventSchemaVersion"}  # fmt: skip

    assert set() == {name for name in mandatory if not event[name]}
    assert {
        "EventType": "Alert", "EventSchema": "AlertEvent", "EventSchemaVersion": "0.1", "EventUid": record.alert.id,
        "DvcHostname": "web-1", "DvcId": "h1", "AlertName": "A rule", "Username": "root", "ProcessId": "42",
        "AttackTechniques": "T1059.004,T1005", "ProcessCommandLine": None,
    }.items() <= event.items()  # fmt: skip
    assert {"Informational", "Low", "Medium", "High"} == set(template.levels.values())
    assert {"agent", "sink", "epoch", "sequence"} <= event["AdditionalFields"].keys()
