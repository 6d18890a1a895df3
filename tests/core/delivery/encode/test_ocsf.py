"""OCSF against its own JSON Schema."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from mozu.core.delivery.encode.ocsf import VERSION, Ocsf, OcsfSettings
from mozu.core.model.alert import Alert, Stamp
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain, reading

PROFILES = (("host",), ("container", "host"))


@cache
def judge(profiles: tuple[str, ...]) -> Any:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    return jsonschema_rs.validator_for(schema.get_class_schema("detection_finding", profiles=list(profiles)))


def faults(made: dict[str, Any]) -> list[str]:
    profiles = tuple(sorted(made["metadata"]["profiles"]))
    return [f"{list(error.instance_path)}: {error.message}" for error in judge(profiles).iter_errors(made)]


def document(alert: Alert, stamp: Stamp = STAMP, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ocsf(OcsfSettings(**options)).encode(alert, stamp))
    return found


@pytest.mark.parametrize("alert", [plain(), connecting(), reading()], ids=["exec", "connect", "open"])
def test_an_alert_is_a_detection_finding(alert: Alert) -> None:
    assert [] == faults(document(alert))


def test_every_hostile_alert_is_a_detection_finding_property() -> None:
    found = [faults(document(alert, stamp)) for alert, stamp in hostile()]
    assert [] == [fault for fault in found if fault]


def test_the_judge_refuses_what_the_class_does_not_have() -> None:
    wrong = document(plain()) | {"no_such_field": 1, "severity_id": 17}
    assert 2 == len(faults(wrong))


def test_only_profiles_in_use_are_listed() -> None:
    alert = plain()
    alert.enrichment |= {"container.full_id": "host"}
    assert (["host"], ["host", "container"]) == (
        document(alert)["metadata"]["profiles"],
        document(plain())["metadata"]["profiles"],
    )


def test_a_technique_stands_with_the_only_tactic() -> None:
    assert [
        {
            "version": "19",
            "tactic": {"uid": "TA0002", "name": "Execution"},
            "technique": {"uid": "T1059", "name": "Command and Scripting Interpreter"},
            "sub_technique": {"uid": "T1059.004", "name": "Unix Shell"},
        }
    ] == document(plain())["finding_info"]["attacks"]


def test_of_several_tactics_none_is_guessed_to_be_the_techniques() -> None:
    alert = plain()
    alert.tags = ("T1611", "mitre_execution", "mitre_privilege_escalation")
    kinds = [sorted(entry.keys() - {"version"}) for entry in document(alert)["finding_info"]["attacks"]]
    assert [["tactic"], ["tactic"], ["technique"]] == kinds


def test_what_has_no_place_is_unmapped() -> None:
    assert {"proc.tty": 34816, "evt.arg.flags": "EXE_WRITABLE"} == document(plain())["unmapped"]


def test_unmapped_can_be_left_out() -> None:
    assert "unmapped" not in document(plain(), unmapped=False)


def test_a_message_of_mozu_itself_is_no_alert() -> None:
    alert = plain()
    alert.source = "internal"
    assert document(alert)["is_alert"] is False


def test_the_stamp_is_in_the_metadata() -> None:
    metadata = document(plain())["metadata"]
    assert (42, "node-a", [{"name": "siem", "uid": "18a2f"}]) == (
        metadata["sequence"],
        metadata["reporter"]["hostname"],
        metadata["loggers"],
    )
