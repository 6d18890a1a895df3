"""A strict parser of RFC 5424 messages and RFC 6587 frames, which raises ValueError for all that the grammar does not
allow."""

import re
from datetime import datetime

import msgspec

_HEADER = re.compile(
    rb"<(0|[1-9]\d{0,2})>([1-9]\d{0,2}) "
    rb"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
)
_NAME = re.compile(rb'[!#-<>-\\^-~]{1,32}')
_BOM = b"\xef\xbb\xbf"


class Message(msgspec.Struct):
    """The parts of a message."""

    facility: int
    severity: int
    time: datetime | None
    host: str
    app: str
    procid: str
    msgid: str
    data: dict[str, dict[str, str]]
    text: str
    has_bom: bool


def frames(stream: bytes) -> list[bytes]:
    """Return the octet-counted messages of a stream that ends behind one. Raises ValueError."""
    found = []
    while stream:
        count, _, rest = stream.partition(b" ")
        if not re.fullmatch(rb"[1-9]\d*", count) or len(rest) < int(count):
            raise ValueError(f"no frame: {stream[:40]!r}")
        found.append(rest[: int(count)])
        stream = rest[int(count) :]
    return found


def parse(raw: bytes) -> Message:
    """Return the message, parsed by the grammar of RFC 5424, 6. Raises ValueError."""
    head = _HEADER.match(raw)
    if head is None or int(head[1]) > 191 or head[2] != b"1":
        raise ValueError(f"no header: {raw[:80]!r}")
    data, rest = _data(raw[head.end() :])
    if rest[:1] not in (b"", b" "):
        raise ValueError(f"structured data is followed by {rest[:10]!r}")
    text = rest[1:]
    time = None if head[3] == b"-" else datetime.fromisoformat(head[3].decode())
    host, app, procid, msgid = (head[group].decode("ascii") for group in (4, 5, 6, 7))
    facility, severity = divmod(int(head[1]), 8)
    return Message(
        facility, severity, time, host, app, procid, msgid, data,
        text.removeprefix(_BOM).decode(), text.startswith(_BOM),
    )  # fmt: skip


def _data(raw: bytes) -> tuple[dict[str, dict[str, str]], bytes]:
    if raw[:1] == b"-":
        return {}, raw[1:]
    found: dict[str, dict[str, str]] = {}
    while raw[:1] == b"[":
        name, raw = _name(raw[1:])
        if name in found:
            raise ValueError(f"{name} stands twice")
        found[name], raw = _parameters(raw)
    if not found:
        raise ValueError(f"no structured data: {raw[:40]!r}")
    return found, raw


def _parameters(raw: bytes) -> tuple[dict[str, str], bytes]:
    found: dict[str, str] = {}
    while raw[:1] == b" ":
        name, raw = _name(raw[1:])
        if raw[:2] != b'="':
            raise ValueError(f"{name} has no value")
        found[name], raw = _value(raw[2:])
    if raw[:1] != b"]":
        raise ValueError(f"an element does not end at {raw[:40]!r}")
    return found, raw[1:]


def _value(raw: bytes) -> tuple[str, bytes]:
    value, at = bytearray(), 0
    while (byte := raw[at : at + 1]) != b'"':
        if byte == b"\\" and raw[at + 1 : at + 2] in (b'"', b"\\", b"]"):
            at += 1
        elif byte in (b"\\", b"]", b""):
            raise ValueError(f"not escaped: {raw[at : at + 10]!r}")
        value += raw[at : at + 1]
        at += 1
    return value.decode(), raw[at + 1 :]


def _name(raw: bytes) -> tuple[str, bytes]:
    found = _NAME.match(raw)
    if found is None:
        raise ValueError(f"no name: {raw[:40]!r}")
    return found[0].decode(), raw[found.end() :]
