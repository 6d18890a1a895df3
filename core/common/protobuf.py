"""The wire format of protocol buffers, as far as answers of runtimes need it: no generated code, no package.

https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator, Mapping

Message = Mapping[int, list[int | bytes]]
"""Number of a field → its values, in order."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def decode(data: bytes) -> Message:
    """Return the message in the bytes. Raises ValueError if they are none."""
    fields: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            value, at = _part(data, at, size)
        elif kind in (_FIXED64, _FIXED32):
            value, at = _part(data, at, 8 if kind == _FIXED64 else 4)
        else:
            raise ValueError(f"a field has the wire type {kind}, which is none")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def text_field(number: int, value: str) -> bytes:
    """Return a field of type string, encoded."""
    return message_field(number, value.encode())


def number_field(number: int, value: int) -> bytes:
    """Return a field of an unsigned integer type, encoded."""
    return _encoded(number << 3 | _VARINT) + _encoded(value)


def flag_field(number: int, *, value: bool) -> bytes:
    """Return a field of type bool, encoded."""
    return number_field(number, int(value))


def message_field(number: int, data: bytes) -> bytes:
    """Return a field that is a message, encoded."""
    return _encoded(number << 3 | _BYTES) + _encoded(len(data)) + data


def messages(message: Message, number: int) -> Iterator[Message]:
    """Return an iterator over the values of a repeated field of messages."""
    return (decode(one) for one in message.get(number, ()) if isinstance(one, bytes))


def text(message: Message, number: int) -> str:
    """Return the last value of a field of type string; empty if there is none."""
    return data_of(message, number).decode(errors="replace")


def data_of(message: Message, number: int) -> bytes:
    """Return the last value of a field of type bytes, or of a message; empty if there is none. Raises ValueError for a
    number."""
    value = message.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise ValueError(f"field {number} is a number")
    return value


def texts(message: Message, number: int) -> dict[str, str]:
    """Return a field of type map<string, string>."""
    return {text(entry, 1): text(entry, 2) for entry in messages(message, number)}


def integer(message: Message, number: int) -> int:
    """Return the last value of a field of an integer type; 0 if there is none. Raises ValueError for anything else."""
    value = message.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError(f"field {number} is no number")
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("the message ends within a number")
        byte = data[at]
        at += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return result, at
    raise ValueError("a number has more than ten bytes")


def _part(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise ValueError("the message ends within a field")
    return data[at : at + size], at + size


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
