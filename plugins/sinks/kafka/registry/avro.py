"""Avro: the schema of a record, and the binary encoding (https://avro.apache.org/docs/1.12.0/specification).

An optional property is a union with null, which is the default, so that readers of older and newer schemas accept it.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from mozu.plugins.sinks.kafka.registry.record_type import Property

_SCALARS: Final = ("null", "boolean", "long", "double", "string")
_LIST: Final = len(_SCALARS)
"""Index of the union's branch for lists."""
_MOST: Final = 1 << 63
_TYPES: Final[Mapping[str, Any]] = {
    "text": "string",
    "number": "long",
    "texts": {"type": "array", "items": "string"},
    "values": {"type": "map", "values": [*_SCALARS, {"type": "array", "items": [*_SCALARS]}]},
}


def schema(name: str, doc: str, properties: Sequence[Property]) -> dict[str, Any]:
    """Return the schema of a record with this full name."""
    namespace, _, short = name.rpartition(".")
    return {"type": "record", "name": short, "namespace": namespace, "doc": doc, "fields": [*map(_field, properties)]}


def encode(properties: Sequence[Property], document: Mapping[str, Any]) -> bytes:
    """Return the encoding of a document with these properties, ignoring others. Raises KeyError if a required one is
    missing."""
    return b"".join(_encoded(one, document) for one in properties)


def _field(one: Property) -> dict[str, Any]:
    if one.kind == "record":
        said: Any = {"type": "record", "name": one.type_name, "fields": [*map(_field, one.properties)]}
    else:
        said = _TYPES[one.kind]
    field = {"name": one.name, "doc": one.description, "type": said if one.is_required else ["null", said]}
    return field if one.is_required else {**field, "default": None}


def _encoded(one: Property, document: Mapping[str, Any]) -> bytes:
    if one.is_required:
        value = document[one.name]
    else:
        value = document.get(one.name)
        if value is None:
            return _long(0)
    encoded = encode(one.properties, value) if one.kind == "record" else _ENCODERS[one.kind](value)
    return encoded if one.is_required else _long(1) + encoded


def _long(value: int) -> bytes:
    """Return a number in zigzag encoding: seven bits per byte, the least significant first."""
    left = value << 1 ^ value >> 63
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _text(value: str) -> bytes:
    data = value.encode()
    return _long(len(data)) + data


def _blocks(items: Iterable[bytes], count: int) -> bytes:
    """Return an array or a map: one block, and the empty block that ends it."""
    return _long(count) + b"".join(items) + b"\0" if count else b"\0"


def _texts(value: Sequence[str]) -> bytes:
    return _blocks(map(_text, value), len(value))


def _values(value: Mapping[str, Any]) -> bytes:
    return _blocks((_text(name) + _any(one) for name, one in value.items()), len(value))


def _any(value: Any) -> bytes:
    return _long(_LIST) + _blocks(map(_scalar, value), len(value)) if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> bytes:
    """Return the index of the union's branch and the value. Unsigned numbers of 64 bits become text, and so do lists in
    lists."""
    if value is None:
        return _long(0)
    if isinstance(value, bool):
        return _long(1) + (b"\1" if value else b"\0")
    if isinstance(value, int) and -_MOST <= value < _MOST:
        return _long(2) + _long(value)
    if isinstance(value, float):
        return _long(3) + struct.pack("<d", value)
    return _long(4) + _text(str(value))


_ENCODERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "text": _text, "number": _long, "texts": _texts, "values": _values,
}  # fmt: skip
