"""What a topic's records are after the id of their schema: JSON as it is, Avro, or protocol buffers."""

import json
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
import orjson

from mozu.plugins.sinks.kafka.registry import avro, protobuf
from mozu.plugins.sinks.kafka.registry.record_type import properties

_ALERT: Final = "urn:mozu:alert:json:v1"
"""The schema that types of Avro and protocol buffers are made from."""
_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The newest draft that registries can compare versions of (Apicurio 3.0.9 fails at 2020-12); mozu's schemas have
nothing in them that differs between the two."""
_FIRST_MESSAGE: Final = b"\0"
"""The path to the message in its file, as Confluent's wire format writes the first one."""


class Serialization(msgspec.Struct, frozen=True):
    """A schema, and how records are written by it."""

    schema_type: Literal["JSON", "AVRO", "PROTOBUF"]
    """As a registry names it."""
    schema: str
    record_name: str
    """The schema's title, which is the full name of the type in Avro and protocol buffers."""
    content_type: str
    """Of a record; empty: that of the format."""
    prefix: bytes
    """Between the schema's id and the record."""
    encode: Callable[[bytes], bytes]
    """The record as JSON → the record."""


def serialization(kind: Literal["json", "avro", "protobuf"], schema: str) -> Serialization:
    """Return the serialization of records with this JSON Schema. Raises ValueError where there is none."""
    if not schema:
        raise ValueError(
            "`registry` needs a format with a schema: json (with its properties output and output_fields), "
            "cloudevents, ecs or ocsf"
        )
    document = json.loads(schema)
    if kind == "json":
        text = json.dumps({**document, "$schema": _DRAFT})
        return Serialization("JSON", text, document.get("title", ""), "", b"", lambda body: body)
    if document.get("$id") != _ALERT:
        raise ValueError(f"the serialization {kind} needs `format: json`; use the serialization json")
    return _avro(document, schema) if kind == "avro" else _protobuf(document, schema)


def _avro(document: dict[str, Any], schema: str) -> Serialization:
    found, name = properties(schema), document["title"]
    text = json.dumps(avro.schema(name, document["description"], found))
    return Serialization(
        "AVRO", text, name, "application/avro", b"", lambda body: avro.encode(found, orjson.loads(body))
    )


def _protobuf(document: dict[str, Any], schema: str) -> Serialization:
    found, name = properties(schema), document["title"]
    text = protobuf.schema(name, document["description"], found)
    return Serialization(
        "PROTOBUF", text, name, "application/x-protobuf", _FIRST_MESSAGE,
        lambda body: protobuf.encode(found, orjson.loads(body)),
    )  # fmt: skip
