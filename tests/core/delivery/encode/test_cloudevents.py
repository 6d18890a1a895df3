"""CloudEvents, read by the SDK of the specification's authors and checked against the rules that the SDK leaves out."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from pydantic import ValidationError

from mozu.core.delivery.encode import FORMATS
from mozu.core.delivery.encode.cloudevents import CloudEvents, CloudEventsSettings
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.model.alert import Alert, Stamp
from tests.core.delivery.encode.made import STAMP, hostile, plain

NAME = re.compile("[a-z0-9]{1,20}")
REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that a String of the specification cannot hold."""


def received(alert: Alert, stamp: Stamp = STAMP) -> tuple[dict[str, Any], Any]:
    """Return attributes and data as the SDK reads them. Raises the SDK's errors."""
    headers = {"content-type": FORMATS["cloudevents"].content_type}
    event = from_structured_event(HTTPMessage(headers=headers, body=CloudEvents().encode(alert, stamp)))
    return event.get_attributes(), event.get_data()


def faults(attributes: dict[str, Any]) -> list[str]:
    found = [f"the name {name}" for name in attributes if not NAME.fullmatch(name)]
    for name, value in attributes.items():
        if isinstance(value, str) and REFUSED.search(value):
            found.append(f"{name} holds what a String cannot hold")
        if isinstance(value, int) and not -(1 << 31) <= value < 1 << 31:
            found.append(f"{name} is no Integer")
    source = urlsplit(attributes["source"])
    if not source.netloc or not attributes["source"].isascii() or " " in attributes["source"]:
        found.append("source is no URI reference")
    return found


def test_every_hostile_alert_is_an_event_property() -> None:
    found = [faults(received(alert, stamp)[0]) for alert, stamp in hostile()]
    assert [] == [fault for fault in found if fault]


def test_the_data_is_falcos_json_object() -> None:
    assert json.loads(FalcoJson().encode(plain(), STAMP)) == received(plain())[1]


def test_the_attributes_are_those_that_falcosidekicks_consumers_know() -> None:
    attributes, _ = received(plain())
    assert ("falco.rule.output.v1", "Notice", "Terminal shell in container", "syscall") == tuple(
        attributes[name] for name in ("type", "priority", "rule", "eventsource")
    )


def test_numbers_sort_as_text() -> None:
    numbers = [received(plain(), Stamp("a", "s", "e", number))[0]["sequence"] for number in (9, 10, 1 << 40)]
    assert sorted(numbers) == numbers


@pytest.mark.parametrize("wanted", ["org.example.alert", "x"])
def test_the_type_can_be_chosen(wanted: str) -> None:
    encoder = CloudEvents(CloudEventsSettings(type=wanted))
    assert wanted == json.loads(encoder.encode(plain()))["type"]


def test_no_event_is_without_a_type() -> None:
    with pytest.raises(ValidationError):
        CloudEventsSettings(type="")


@pytest.mark.parametrize("name", ["", "a b/ü?#\n"])
def test_any_host_makes_a_source(name: str) -> None:
    alert = plain()
    alert.hostname = name
    assert [] == faults(received(alert)[0])
