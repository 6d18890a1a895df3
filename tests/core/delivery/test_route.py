"""The alerts that a sink receives."""

from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery.packed_alert import AlertForm
from mozu.core.delivery.route import Route
from mozu.core.model.alert import Severity, Template

FORM = AlertForm("Shell [in] container?", Severity.WARNING, "syscall", Template(("x",)), ("shell", "T1059"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"priority": Severity.ERROR}, False),
        ({"priority": Severity.WARNING}, True),
        ({"priority": Severity.NOTICE}, True),
        ({"tags": ["other", "T1059"]}, True),
        ({"tags": ["other"]}, False),
        ({"sources": ["syscall"]}, True),
        ({"sources": ["k8s_audit"]}, False),
        ({"rules": ["Shell *"]}, True),
        ({"rules": ["Shell"]}, False),
        ({"rules": ["Other", "*?"]}, True),
        ({"rules": ["Shell [in] container?"]}, True),
        ({"rules": ["Shell i container?"]}, False),
        ({"rules": ["Shell [in] containers"]}, False),
        ({"not_rules": ["Shell *"]}, False),
        ({"not_rules": ["Shell"]}, True),
        ({"rules": ["*"], "not_rules": ["Other", "* container?"]}, False),
        ({"rules": ["*"], "tags": ["shell"], "sources": ["syscall"], "priority": Severity.ERROR}, False),
    ],
)
def test_all_that_is_asked_for_must_hold(settings: dict[str, Any], expected: bool) -> None:
    assert expected is Route(**settings).passes(FORM)


def test_notices_of_mozu_itself_pass_every_route() -> None:
    route = Route(priority=Severity.EMERGENCY, tags=["x"], rules=["x"], sources=["x"], not_rules=["*"])
    assert route.passes(replace(FORM, source="internal"))


def test_an_alert_of_the_least_severity_passes_a_route_that_asks_for_nothing() -> None:
    assert Route().passes(replace(FORM, priority=Severity.DEBUG, tags=()))
