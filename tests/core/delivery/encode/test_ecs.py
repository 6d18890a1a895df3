"""ECS against the official field list."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.delivery.encode.activity import _BY_CATEGORY, _BY_TYPE, _OTHER, DETECTION
from mozu.core.delivery.encode.ecs import VERSION, Ecs, EcsSettings
from mozu.core.model.alert import Alert, Severity
from tests.core.delivery.encode import official_ecs
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain, reading


def document(alert: Alert, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ecs(EcsSettings(**options)).encode(alert, STAMP))
    return found


def test_the_version_is_that_of_the_field_list() -> None:
    assert VERSION == official_ecs.VERSION


@pytest.mark.live
@pytest.mark.parametrize("alert", [plain(), connecting(), reading()], ids=["exec", "connect", "open"])
def test_an_alert_is_a_document_of_the_schema(alert: Alert) -> None:
    assert [] == official_ecs.faults(document(alert))


@pytest.mark.live
def test_every_hostile_alert_is_a_document_of_the_schema_property() -> None:
    encoder = Ecs()
    faults = [official_ecs.faults(json.loads(encoder.encode(*made))) for made in hostile()]
    assert [] == [fault for fault in faults if fault]


@pytest.mark.live
def test_the_judge_refuses_what_the_schema_does_not_have() -> None:
    wrong = {"event": {"kind": "signalling", "type": ["start"]}, "process": {"pid": "1"}, "no_such_field": 1}
    assert 4 == len(official_ecs.faults(wrong))


@pytest.mark.live
def test_every_pair_of_category_and_type_is_allowed() -> None:
    pairs = {DETECTION, _OTHER, *_BY_TYPE.values(), *_BY_CATEGORY.values()}
    documents = [{"event": {"category": [category], "type": list(types)}} for category, types in pairs]
    assert [] == [fault for item in documents for fault in official_ecs.faults(item)]


def test_an_alert_says_what_it_is() -> None:
    event = document(plain())["event"]
    assert ("alert", ["intrusion_detection", "process"], ["info", "start"], "execve", "success", 42) == tuple(
        event[key] for key in ("kind", "category", "type", "action", "outcome", "sequence")
    )


def test_a_message_of_mozu_itself_is_no_alert() -> None:
    alert = plain()
    alert.source = "internal"
    assert "event" == document(alert)["event"]["kind"]


def test_what_has_no_place_is_a_label() -> None:
    labels = document(plain())["labels"]
    assert {"evt_arg_flags": "EXE_WRITABLE", "proc_tty": "34816"} == {
        key: labels[key] for key in labels if key.startswith(("evt", "proc"))
    }


def test_labels_can_be_left_out() -> None:
    kept = {label for label in document(plain(), labels=False)["labels"] if not label.startswith("ancestor_")}
    assert {"mozu_sink", "mitre_attack_version"} == kept


@pytest.mark.parametrize(("version", "name"), [("18", "Defense Evasion"), ("19", "Stealth")])
def test_tactics_have_the_names_of_the_version_asked_for(version: str, name: str) -> None:
    alert = plain()
    alert.tags = ("mitre_defense_evasion",)
    made = document(alert, attack=version)
    assert (["TA0005"], [name], version) == (
        made["threat"]["tactic"]["id"],
        made["threat"]["tactic"]["name"],
        made["labels"]["mitre_attack_version"],
    )


def test_a_connection_has_both_ends_and_a_direction() -> None:
    made = document(connecting())
    assert ({"ip": "10.0.0.2", "port": 40000}, {"ip": "203.0.113.9", "port": 443}, "egress") == (
        made["source"],
        made["destination"],
        made["network"]["direction"],
    )


def test_the_file_that_was_opened_is_the_file() -> None:
    assert {"path": "/etc/shadow", "name": "shadow", "directory": "/etc", "type": "file"} == document(reading())["file"]


@pytest.mark.parametrize(
    ("priority", "number"),
    [
        (Severity.EMERGENCY, 99),
        (Severity.ALERT, 99),
        (Severity.CRITICAL, 99),
        (Severity.ERROR, 73),
        (Severity.WARNING, 47),
        (Severity.NOTICE, 21),
        (Severity.INFORMATIONAL, 21),
        (Severity.DEBUG, 21),
    ],
)
def test_external_alerts_have_the_severities_and_the_data_stream_that_elastics_rules_read(
    priority: Severity, number: int
) -> None:
    alert = plain()
    alert.priority = priority
    made = document(alert, external_alerts=True, namespace="prod")

    assert (made["event"]["severity"], made["event"]["risk_score"], made["event"]["kind"]) == (number, number, "alert")
    assert {"type": "logs", "dataset": "mozu.alert", "namespace": "prod"} == made["data_stream"]
    assert made["event"]["dataset"] == made["data_stream"]["dataset"]
    assert "data_stream" not in document(alert)
    assert "risk_score" not in document(alert)["event"]


@pytest.mark.parametrize("namespace", ["", "Prod", "a-b", "a/b", "a b", "x" * 101])
def test_a_namespace_that_no_data_stream_can_have_is_refused(namespace: str) -> None:
    with pytest.raises(ValidationError):
        EcsSettings(namespace=namespace)


@pytest.mark.live
def test_an_external_alert_is_a_document_of_the_schema() -> None:
    assert [] == official_ecs.faults(document(connecting(), external_alerts=True))


def test_the_host_is_no_container() -> None:
    alert = plain()
    alert.enrichment |= {"container.full_id": "host"}
    assert "container" not in document(alert)
