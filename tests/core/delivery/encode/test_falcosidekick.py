"""Falco's JSON object has the keys that falcosidekick requires: priority, rule, time and output fields."""

import json
from datetime import datetime
from typing import Any

from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.model.alert import LEVELS
from tests.core.delivery.encode.made import hostile

PRIORITIES = {severity.label for severity in LEVELS}


def refusals(payload: dict[str, Any]) -> list[str]:
    found = [key for key in ("priority", "rule", "source", "hostname", "time") if not payload.get(key)]
    found += [] if isinstance(payload.get("output_fields"), dict) and payload["output_fields"] else ["output_fields"]
    found += [] if payload["priority"] in PRIORITIES else ["priority"]
    found += [] if isinstance(payload.get("tags", []), list) else ["tags"]
    found += [] if datetime.fromisoformat(payload["time"]).tzinfo is not None else ["time"]
    return found


def test_every_hostile_alert_is_accepted_property() -> None:
    encoder = FalcoJson()
    found = [refusals(json.loads(encoder.encode(alert, stamp))) for alert, stamp in hostile() if alert.source]
    assert [] == [fault for fault in found if fault]
