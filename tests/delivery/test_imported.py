"""Keys of Kafka in falcosidekick's form, in an imported configuration, at a real broker."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.falco_receivers import imported_run
from tests.support.falco_scene import needles
from tests.support.kafka.cluster import PASSWORD, USER, cluster
from tests.support.kafka.console import consume

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
GZIP = 1
"""Lowest bits of a batch's attributes (Kafka's protocol, "Record Batch")."""
ATTRIBUTES_AT = 21


def test_alerts_of_an_imported_configuration_are_at_the_broker_as_its_keys_say(tmp_path: Path) -> None:
    with cluster(tmp_path) as kafka:
        plain: dict[str, Any] = {
            "hostport": kafka.server("SASLPLAIN"), "topic": "falco", "topiccreation": True, "sasl": "plain",
            "username": USER, "password": PASSWORD, "compression": "GZIP", "requiredacks": "ONE", "clientid": "crow",
            "minimumpriority": "warning",
        }  # fmt: skip
        tls = {"hostport": kafka.server("TLS"), "topic": "encrypted", "topiccreation": True, "tls": True}
        keys = imported_run(tmp_path / "plain", needles_in(tmp_path / "plain"), {"kafka": plain}).config
        trusted = f"sinks.kafka.tls.ca={kafka.certificates.ca}"
        imported_run(tmp_path / "tls", needles_in(tmp_path / "tls"), {"kafka": tls}, trusted)
        rules = [json.loads(message.value)["rule"] for message in consume(kafka, "falco", count=6)]
        encrypted = consume(kafka, "encrypted", count=1)
        (segment, *_) = sorted(tmp_path.glob("data1/falco-*/*.log"), key=lambda path: -path.stat().st_size)

        assert "Secret read" in rules
        assert "Minor" not in rules
        assert encrypted
        attributes = segment.read_bytes()[ATTRIBUTES_AT : ATTRIBUTES_AT + 2]
        assert GZIP == int.from_bytes(attributes, "big") & 7
        settings = keys["sinks"][-1]["kafka"]
        assert ("leader", "crow") == (settings["acks"], settings["client_id"])


def needles_in(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return needles(folder)
