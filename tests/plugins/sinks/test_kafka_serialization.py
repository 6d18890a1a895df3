"""Records in Avro and protocol buffers, read by fastavro and by the code that protoc makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.delivery.encode.falco_json import FalcoJson, JsonSettings
from mozu.core.delivery.encode.schema import schema
from mozu.plugins.sinks.kafka.registry import protobuf
from mozu.plugins.sinks.kafka.registry.serialization import serialization
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain, reading
from tests.plugins.sinks.test_kafka_schemas import PROMISED
from tests.support.kafka.record_types import FILES, avro_value, message_class, serialized, text
from tests.support.kafka.record_types import plain as plain_message

by_kind = pytest.mark.parametrize("kind", ["avro", "protobuf"])
NUMBERS = {
    "": {
        "hostname": 1, "mozu": 2, "output": 3, "output_fields": 4, "priority": 5, "rule": 6, "source": 7, "time": 8,
        "uuid": 9, "correlation_uid": 10, "incomplete": 11, "message": 12, "next": 13, "notes": 14, "rule_id": 15,
        "tags": 16,
    },
    "mozu": {"agent": 1, "sink": 2, "epoch": 3, "sequence": 4},
    "notes": {
        "description": 1, "why": 2, "false_positives": 3, "references": 4, "maturity": 5, "level": 6, "triage": 7,
    },
}  # fmt: skip
"""Numbers of fields that were promised to consumers of version 1."""


def bodies() -> Iterator[bytes]:
    """Yield records of the format `json`: ordinary ones, hostile ones, and one with values of every type."""
    encoder = FalcoJson(message=True)
    for alert in (plain(), connecting(), reading()):
        yield encoder.encode(alert, STAMP)
    for alert, _ in hostile(150):
        yield encoder.encode(alert, STAMP)
    every = {"null": None, "true": True, "low": -(1 << 63), "high": (1 << 63) - 1, "real": -2.5, "list": [1, "é", None]}
    whole = json.loads(encoder.encode(plain(), STAMP))
    notes = {"description": "d", "false_positives": ["a", "b"], "references": ["c"], "level": "low"}
    yield json.dumps({**whole, "output_fields": every, "notes": notes, "incomplete": ["podman"]}).encode()
    yield json.dumps({**whole, "mozu": {**whole["mozu"], "sequence": 1 << 40}, "output": "x" * 300}).encode()


def as_written(value: Any) -> Any:
    """Return a value with integers that do not fit into 64 signed bits as text."""
    if isinstance(value, dict):
        return {name: as_written(one) for name, one in value.items()}
    if isinstance(value, list):
        return [str(one) if isinstance(one, list) else as_written(one) for one in value]
    is_large = type(value) is int and not -(1 << 63) <= value < 1 << 63
    return str(value) if is_large else value


def without_nothing(value: Any) -> Any:
    """Return a value without its empty members: null (Avro), and empty texts and lists (proto3 does not send them)."""
    return {name: one for name, one in value.items() if one not in (None, "", [])}


def test_fastavro_reads_what_the_record_says_property() -> None:
    written = serialized("avro")
    for body in bodies():
        found = without_nothing(avro_value(written, written.encode(body)))
        if "notes" in found:
            found["notes"] = without_nothing(found["notes"])
        assert without_nothing(as_written(json.loads(body))) == found


def test_the_code_that_protoc_makes_reads_what_the_record_says_property(tmp_path: Path) -> None:
    written, alert = serialized("protobuf"), message_class(serialized("protobuf").schema, tmp_path)
    for body in bodies():
        found = plain_message(alert.FromString(written.encode(body)))
        assert without_nothing(as_written(json.loads(body))) == without_nothing(found)


@by_kind
def test_the_files_of_schemas_are_what_the_sink_registers(kind: Literal["avro", "protobuf"]) -> None:
    assert text(kind) == FILES[kind].read_text(), "run python -m tests.support.kafka.record_types"


def with_another_property() -> str:
    """Return the schema of a future mozu, with a further property."""
    document = json.loads(schema("json"))
    document["properties"]["added"] = {"type": "array", "items": {"type": "string"}, "description": "Later."}
    return json.dumps(document)


def test_readers_of_one_avro_schema_read_records_of_another() -> None:
    now, later = serialized("avro"), serialization("avro", with_another_property())
    body = FalcoJson().encode(plain(), STAMP)
    more = json.dumps({**json.loads(body), "added": ["x"]}).encode()
    assert None is avro_value(now, now.encode(body), later.schema)["added"]
    found = avro_value(later, later.encode(more), now.schema)
    assert (json.loads(body)["uuid"], False) == (found["uuid"], "added" in found)


def test_readers_of_one_proto_file_read_records_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = serialized("protobuf")
    monkeypatch.setattr(protobuf, "NUMBERS", {**NUMBERS, "": {**NUMBERS[""], "added": 17}})
    later = serialization("protobuf", with_another_property())
    body = FalcoJson().encode(plain(), STAMP)
    old = message_class(now.schema.replace("mozu.v1", "mozu.then"), tmp_path, "then")
    new = message_class(later.schema.replace("mozu.v1", "mozu.later"), tmp_path, "later")
    more = later.encode(json.dumps({**json.loads(body), "added": ["x"]}).encode())
    assert json.loads(body)["uuid"] == old.FromString(more).uuid
    assert [] == [*new.FromString(now.encode(body)).added]


def test_numbers_of_fields_stay_what_they_are() -> None:
    for within, numbers in NUMBERS.items():
        assert numbers.items() <= protobuf.NUMBERS[within].items()
        assert len({*protobuf.NUMBERS[within].values()}) == len(protobuf.NUMBERS[within])


def test_every_field_of_avro_but_those_promised_may_be_missing() -> None:
    fields = json.loads(serialized("avro").schema)["fields"]
    assert PROMISED["json"] == {field["name"] for field in fields if "default" not in field}


@pytest.mark.parametrize("name", ["json", "cloudevents", "ecs", "ocsf"])
def test_the_json_schema_that_is_registered_is_complete_and_of_a_draft_that_registries_know(name: str) -> None:
    found = FORMATS[name].schema
    assert found is not None
    document = json.loads(serialization("json", found(FORMATS[name].settings())).schema)
    assert "http://json-schema.org/draft-07/schema#" == document["$schema"]
    assert document["title"].startswith("mozu.v1.")
    assert "$ref" not in json.dumps(document)


@pytest.mark.parametrize("option", ["output", "output_fields"])
def test_a_record_that_lacks_what_its_schema_requires_has_no_schema(option: str) -> None:
    declared = FORMATS["json"].schema
    assert declared is not None
    assert "" == declared(JsonSettings.model_validate({option: False}))


@pytest.mark.parametrize("name", ["falco", "cef"])
def test_formats_of_text_have_no_schema(name: str) -> None:
    assert FORMATS[name].schema is None
    with pytest.raises(ValueError, match="`registry` needs a format with a schema"):
        serialization("json", "")


@by_kind
@pytest.mark.parametrize("name", ["ecs", "ocsf", "cloudevents"])
def test_standards_that_are_written_in_json_stay_json(kind: Literal["avro", "protobuf"], name: str) -> None:
    with pytest.raises(ValueError, match=f"the serialization {kind} needs `format: json`"):
        serialization(kind, schema(name))
