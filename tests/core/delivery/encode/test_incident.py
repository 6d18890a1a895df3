"""The incident that responders pass to other programs."""

import json
from typing import Any

import pytest

from mozu.core.api import AlertProcess, Container, Incident
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.incident import incident_line
from tests.core.delivery.encode.made import plain

CONTAINER = Container("ab" * 32, "docker")


@pytest.mark.parametrize(
    ("subject", "process"),
    [
        (None, None),
        (
            AlertProcess(9, start=7, uid=0, name="sh\udcff", exepath="/bin/sh"),
            {"pid": 9, "start": 7, "uid": 0, "name": "sh\ufffd", "exepath": "/bin/sh", "container": None},
        ),
        (
            AlertProcess(9, container=CONTAINER),
            {"pid": 9, "start": 0, "uid": 0, "name": "", "exepath": "", "container": "ab" * 32},
        ),
    ],
    ids=["about no process", "on the host", "in a container"],
)
def test_an_incident_is_falcos_object_with_its_process(
    subject: AlertProcess | None, process: dict[str, Any] | None
) -> None:
    line = incident_line(Incident(plain(), subject))
    found = json.loads(line)
    assert {**json.loads(FalcoJson().encode(plain())), "process": process} == found
    assert sorted(found) == list(found)
