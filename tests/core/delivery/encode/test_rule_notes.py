"""A rule's notes reach the receiver in every format."""

import json
from typing import Any, Final

import pytest

from mozu.core.common.falco_alerts import from_object
from mozu.core.delivery.encode.ecs import Ecs
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.ocsf import Ocsf
from mozu.core.model.alert import Alert, RuleNotes
from tests.core.delivery.encode import official_ecs
from tests.core.delivery.encode.made import STAMP, plain
from tests.core.delivery.encode.test_ocsf import faults

NOTES: Final = RuleNotes(
    description="A shell has a terminal",
    why="Who has one can do anything",
    false_positives=("administrators", "debuggers"),
    references=("https://a.example/1", "https://a.example/2"),
    maturity="incubating",
    level="medium",
    triage=("Is it running? `ps -p {proc.pid}`",),
)


def noted(notes: RuleNotes = NOTES) -> Alert:
    alert = plain()
    alert.notes, alert.next = notes, "Ask who it was"
    return alert


def ecs(alert: Alert) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ecs().encode(alert, STAMP))
    return found


def ocsf(alert: Alert) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ocsf().encode(alert, STAMP))
    return found


def test_in_ecs_it_is_in_fields_of_the_rule_and_in_labels() -> None:
    made = ecs(noted())

    assert {key: made["rule"][key] for key in ("description", "reference")} == {
        "description": "A shell has a terminal",
        "reference": "https://a.example/1",
    }
    assert {key: text for key, text in made["labels"].items() if key.startswith("rule_")} == {
        "rule_why": "Who has one can do anything",
        "rule_next": "Ask who it was",
        "rule_false_positives": "administrators; debuggers",
        "rule_references": "https://a.example/1 https://a.example/2",
        "rule_maturity": "incubating",
        "rule_level": "medium",
        "rule_triage": "Is it running? `ps -p {proc.pid}`",
    }


def test_in_ocsf_it_is_in_the_finding_and_its_remediation() -> None:
    made = ocsf(noted())
    finding = made["finding_info"]

    assert [] == faults(made)
    assert (finding["desc"], finding["analytic"]["desc"], made["risk_details"]) == (
        "A shell has a terminal",
        "A shell has a terminal",
        "Who has one can do anything",
    )
    assert {"desc": "Ask who it was", "references": list(NOTES.references)} == made["remediation"]
    assert (3, "Experimental") == (finding["analytic"]["state_id"], finding["analytic"]["state"])
    assert finding["tags"] == [
        {"name": "level", "value": "medium"},
        {"name": "maturity", "value": "incubating"},
        {"name": "false_positives", "values": ["administrators", "debuggers"]},
        {"name": "references", "values": list(NOTES.references)},
        {"name": "triage", "values": list(NOTES.triage)},
    ]


@pytest.mark.parametrize("maturity", ["stable", "incubating", "experimental", "deprecated", "else", ""])
def test_every_maturity_is_a_state_of_the_schema(maturity: str) -> None:
    assert [] == faults(ocsf(noted(RuleNotes(maturity=maturity))))


def test_in_falcos_object_it_is_under_notes() -> None:
    made = json.loads(FalcoJson().encode(noted(), STAMP))

    assert made["notes"] == {
        "description": "A shell has a terminal",
        "why": "Who has one can do anything",
        "false_positives": ["administrators", "debuggers"],
        "references": list(NOTES.references),
        "maturity": "incubating",
        "level": "medium",
        "triage": list(NOTES.triage),
    }
    assert "notes" not in json.loads(FalcoJson(notes=False).encode(noted(), STAMP))


def test_a_mozu_that_takes_the_object_says_the_same_on() -> None:
    document = json.loads(FalcoJson().encode(noted(), STAMP))

    assert (NOTES, "Ask who it was") == ((taken := from_object(document)).notes, taken.next)


@pytest.mark.parametrize("notes", [None, 7, "x", [], {"why": 7, "references": "x", "false_positives": [1, "a"]}])
def test_notes_of_another_type_are_passed_over(notes: Any) -> None:
    document = json.loads(FalcoJson(notes=False).encode(noted(), STAMP)) | {"notes": notes}

    assert from_object(document).notes in (RuleNotes(), RuleNotes(false_positives=("a",)))


def test_a_rule_that_says_nothing_adds_nothing() -> None:
    alert = plain()
    made = ecs(alert), ocsf(alert), json.loads(FalcoJson().encode(alert, STAMP))

    assert {"id", "name"} == made[0]["rule"].keys()
    assert not {"remediation", "risk_details"} & made[1].keys()
    assert "notes" not in made[2]


@pytest.mark.live
def test_with_notes_it_is_a_document_of_the_schema() -> None:
    assert [] == official_ecs.faults(ecs(noted()))
