"""Forms of a topic's records after the id of their schema: JSON, Avro, or protocol buffers."""

import json
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
import orjson

from mozu.plugins.sinks.kafka.registry import avro, protobuf
from mozu.plugins.sinks.kafka.registry.record_type import properties

_ALERT: Final = "urn:mozu:alert:json:v1"
"""Id of the schema from which types of Avro and protocol buffers are made."""
_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The newest draft whose versions registries can compare (Apicurio 3.0.9 fails at 2020-12); mozu's schemas use nothing
that differs between the two."""
_FIRST_MESSAGE: Final = b"\0"
"""The path to the message in its file, as Confluent's wire format writes the first one."""


class Serialization(msgspec.Struct, frozen=True):
    """A schema, and the encoding of records by it."""

    schema_type: Literal["JSON", "AVRO", "PROTOBUF"]
    """Type of the schema, as a registry names it."""
    schema: str
    record_name: str
    """The schema's title, which is the full name of the type in Avro and protocol buffers."""
    content_type: str
    """Content type of a record; empty for that of the format."""
    prefix: bytes
    """Bytes between the schema's id and the record."""
    encode: Callable[[bytes], bytes]
    """Function from the record as JSON to the record."""


def serialization(kind: Literal["json", "avro", "protobuf"], schema: str) -> Serialization:
    """Return the serialization of records with this JSON Schema. Raises ValueError if there is none."""
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
