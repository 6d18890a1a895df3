"""Protocol buffers: the schema of a record (proto3), and its encoding
(https://protobuf.dev/programming-guides/encoding).

Field numbers are declared here and are never reused; a new property gets the next one.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from mozu.core.common.protobuf import message_field, number_field, text_field
from mozu.plugins.sinks.kafka.registry.record_type import Property

NUMBERS: Final[Mapping[str, Mapping[str, int]]] = {
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
"""Permanent field numbers by property, for each property that holds a record (empty: the record itself)."""

_MASK: Final = (1 << 64) - 1
_MOST: Final = 1 << 63
_DOUBLE: Final = 1
"""The wire type of eight bytes."""
_FLAG, _NUMBER, _REAL, _TEXT, _LIST = 1, 2, 3, 4, 5
"""Field numbers of the message `Value`."""
_VALUES: Final = """
// A field of a rule's output; without a kind it is null.
message Value {
  oneof kind {
    bool flag = 1;
    int64 number = 2;
    double real = 3;
    string text = 4;
    Values list = 5;
  }
}

message Values {
  repeated Value values = 1;
}
"""
_TYPES: Final[Mapping[str, str]] = {
    "text": "string", "number": "int64", "texts": "repeated string", "values": "map<string, Value>",
}  # fmt: skip


def schema(name: str, doc: str, properties: Sequence[Property]) -> str:
    """Return the text of a `.proto` file, whose first message is the record with this full name."""
    package, _, short = name.rpartition(".")
    records = "".join(
        f"\n{_message(one.type_name, one.description, one.properties, one.name)}"
        for one in properties
        if one.kind == "record"
    )
    head = f'syntax = "proto3";\n\npackage {package};\n\n'
    return head + _message(short, doc, properties, "") + records + _VALUES


def encode(properties: Sequence[Property], document: Mapping[str, Any], within: str = "") -> bytes:
    """Return the encoding of a document with these properties, ignoring others."""
    numbers = NUMBERS[within]
    return b"".join(
        _ENCODERS[one.kind](numbers[one.name], document[one.name], one) for one in properties if one.name in document
    )


def _message(name: str, doc: str, properties: Sequence[Property], within: str) -> str:
    numbers = NUMBERS[within]
    fields = sorted(properties, key=lambda one: numbers[one.name])
    lines = [line for one in fields for line in (f"  // {one.description}", _line(one, numbers[one.name]))]
    shown = "\n".join(line for line in lines if line != "  // ")
    return f"// {doc}\nmessage {name} {{\n{shown}\n}}\n"


def _line(one: Property, number: int) -> str:
    said = one.type_name if one.kind == "record" else _TYPES[one.kind]
    has_presence = not one.is_required and one.kind in ("text", "number")
    return f"  {'optional ' if has_presence else ''}{said} {one.name} = {number};"


def _record(number: int, value: Mapping[str, Any], one: Property) -> bytes:
    return message_field(number, encode(one.properties, value, one.name))


def _values(number: int, value: Mapping[str, Any], _one: Property) -> bytes:
    return b"".join(
        message_field(number, text_field(1, name) + message_field(2, _any(item))) for name, item in value.items()
    )


def _any(value: Any) -> bytes:
    if isinstance(value, list):
        return message_field(_LIST, b"".join(message_field(1, _scalar(item)) for item in value))
    return _scalar(value)


def _scalar(value: Any) -> bytes:
    """Return a message `Value`. Unsigned numbers of 64 bits become text, and so do lists in lists."""
    if value is None:
        return b""
    if isinstance(value, bool):
        return number_field(_FLAG, value)
    if isinstance(value, int) and -_MOST <= value < _MOST:
        return number_field(_NUMBER, value & _MASK)
    if isinstance(value, float):
        return bytes([_REAL << 3 | _DOUBLE]) + struct.pack("<d", value)
    return text_field(_TEXT, str(value))


_ENCODERS: Final[Mapping[str, Callable[[int, Any, Property], bytes]]] = {
    "text": lambda number, value, _: text_field(number, value),
    "number": lambda number, value, _: number_field(number, value & _MASK),
    "texts": lambda number, value, _: b"".join(text_field(number, text) for text in value),
    "values": _values,
    "record": _record,
}
