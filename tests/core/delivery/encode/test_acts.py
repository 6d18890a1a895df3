"""Recorded acts: each alert in ECS and in OCSF has the values of the table (acts.py) and is valid by the schemas."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from tests.core.delivery.encode import official_ecs
from tests.core.delivery.encode.acts import ACTS, RULES, Facts, Recorded
from tests.core.delivery.encode.test_ocsf import faults
from tests.support.replaying import encoded
from tests.support.requirements import ROOT
from tests.support.running import Json

RECORDED: Final = ROOT / "tests/data/acts/kinds.jsonl.gz"
HOST: Final = "4f2b7c1e9a3d4e5f8b6a7c8d9e0f1a2b"


class Pair(NamedTuple):
    """An alert in both formats."""

    ecs: Json
    ocsf: Json


Alerts = dict[str, list[Pair]]


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """Return the pairs by act."""
    made = encoded(RECORDED, RULES, tmp_path_factory.mktemp("acts"), "ecs", "ocsf")
    found: Alerts = {}
    for ecs, ocsf in zip(made["ecs"], made["ocsf"], strict=True):
        found.setdefault(ecs["rule"]["name"], []).append(Pair(ecs, ocsf))
    return found


def at(document: Json, name: str) -> Any:
    """Return the value of a dotted name; None if absent."""
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def differences(document: Json, expected: Facts) -> Iterator[str]:
    for name, value in expected.items():
        found = at(document, name)
        is_rest = isinstance(value, str) and value.startswith("*")
        if found != value and not (is_rest and isinstance(found, str) and found.endswith(str(value)[1:])):
            yield f"{name}: {found!r}, expected {value!r}"


def test_sixty_acts_of_thirty_kinds_are_recorded(alerts: Alerts) -> None:
    assert len(alerts) >= 60
    assert len({pair.ecs["event"]["action"] for pairs in alerts.values() for pair in pairs}) >= 30


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_an_act_is_in_ecs_what_the_schema_describes(act: Recorded, alerts: Alerts) -> None:
    event: Facts = {
        "event.kind": "alert", "event.action": act.kind, "event.category": ["intrusion_detection", act.category],
        "event.type": list(dict.fromkeys(("info", *act.types))), "event.outcome": act.outcome, "error.code": act.error,
        "host.id": HOST, "rule.name": act.name,
    }  # fmt: skip
    for pair in alerts[act.name]:
        found = pair.ecs | {"event": pair.ecs["event"] | {"type": _information_first(pair.ecs["event"]["type"])}}
        assert [] == list(differences(found, {**event, **act.ecs}))
        assert len(pair.ecs["process"]["entity_id"]) == 32


def _information_first(types: list[str]) -> list[str]:
    """Return the types with `info` first; the schema prescribes no order."""
    return sorted(types, key=lambda one: one != "info")


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_an_act_is_in_ocsf_what_the_schema_describes(act: Recorded, alerts: Alerts) -> None:
    finding: Facts = {
        "class_uid": 2004, "category_uid": 2, "activity_id": 1, "type_uid": 200401, "is_alert": True, "status_id": 1,
        "severity_id": 2, "metadata.event_code": act.kind, "finding_info.analytic.type_id": 1,
        "device.uid": HOST,
    }  # fmt: skip
    operation = None if act.outcome is None else act.kind
    evidence: Facts = {"api.operation": operation, "api.response.error": act.error, **act.ocsf}
    for pair in alerts[act.name]:
        (found,) = pair.ocsf["evidences"]
        assert [] == list(differences(pair.ocsf, finding))
        assert [] == list(differences(found, evidence))
        assert found["process"]["uid"] == pair.ecs["process"]["entity_id"]


def test_every_act_is_a_detection_finding(alerts: Alerts) -> None:
    assert [] == [fault for pairs in alerts.values() for pair in pairs for fault in faults(pair.ocsf)]


@pytest.mark.live
def test_every_act_is_a_document_of_the_field_list(alerts: Alerts) -> None:
    found = [official_ecs.faults(pair.ecs) for pairs in alerts.values() for pair in pairs]
    assert [] == [fault for faults_of_one in found for fault in faults_of_one]
