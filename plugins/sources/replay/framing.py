"""Reads an event block: the event's header, and its parameters as bytes."""

import struct
from typing import Final

import msgspec

from mozu.plugins.sources.replay.blocks import STATE_ONLY, EventBlock
from mozu.plugins.sources.replay.layouts import EventLayout, layouts
from mozu.plugins.sources.replay.stream import Corrupt

_HEAD: Final = struct.Struct("<QqIH")
_COUNT_SIZE: Final = 4
_OVERCOUNTED: Final = {280: 3, 286: 3}
"""Old writers of these events added too much to their length."""
_MAX_COUNT: Final = 64
_KEY_AT, _COUNT_AT, _LENGTHS_AT = 26, 32, 36


class RawEvent(msgspec.Struct):
    """An event before it is decoded."""

    layout: EventLayout
    time: int
    tid: int
    cpu: int
    params: list[bytes]
    size: int
    """The size in the header: of header, lengths and parameters."""
    hidden: bool
    """True if the event is for the state, not for rules."""


def raw_event(data: bytes, at: int, length: int, block: EventBlock, offset: int) -> RawEvent | None:
    """The event of the block at `at`; None where its number is unknown. Raises Corrupt (with `offset`)."""
    start = at + 14 if block.flagged else at + 10
    end = at + length - 4
    if start + _HEAD.size > end:
        raise Corrupt("an event block is too short for an event", offset)
    cpu = int.from_bytes(data[at + 8 : at + 10], "little")
    flags = int.from_bytes(data[at + 10 : at + 14], "little") if block.flagged else 0
    time, tid, size, number = _HEAD.unpack_from(data, start)
    layout = layouts().get(number)
    if layout is None:
        return None
    if start + size > end:
        raise Corrupt(f"an event claims {size} bytes where its block has {end - start}", offset)
    if block.counted:
        params = _counted(data, start, size, layout, offset)
    else:
        params = _inferred(data, start, size - _OVERCOUNTED.get(number, 0), layout, offset)
    return RawEvent(layout, time, tid, cpu, params, size, bool(flags & STATE_ONLY))


def _counted(data: bytes, start: int, size: int, layout: EventLayout, offset: int) -> list[bytes]:
    first = start + _HEAD.size + _COUNT_SIZE
    if first > start + size:
        raise Corrupt(f"an event claims a length of {size} bytes, less than its own header", offset)
    count = int.from_bytes(data[first - _COUNT_SIZE : first], "little")
    if count > _MAX_COUNT:
        raise Corrupt(f"an event claims to have {count} parameters", offset)
    width = layout.length_width
    if first + count * width > start + size:
        raise Corrupt("an event ends within the lengths of its parameters", offset)
    lengths = struct.unpack_from(f"<{count}{'I' if width == 4 else 'H'}", data, first)
    return _cut(data, first + count * width, start + size, lengths, offset)


def _inferred(data: bytes, start: int, size: int, layout: EventLayout, offset: int) -> list[bytes]:
    """Events of the first version do not say how many parameters they have: the count whose lengths add up is it."""
    first, end = start + _HEAD.size, start + size
    for count in range(len(layout.encodings), -1, -1):
        at = first + 2 * count
        if at > end:
            continue
        lengths = struct.unpack_from(f"<{count}H", data, first)
        total = at + sum(lengths)
        if total == end:
            return _cut(data, at, end, lengths, offset)
        if total < end:
            break
    raise Corrupt(f"an event of type {layout.name} has parameters whose lengths do not add up", offset)


def _cut(data: bytes, at: int, end: int, lengths: tuple[int, ...], offset: int) -> list[bytes]:
    params = []
    for length in lengths:
        if at + length > end:
            raise Corrupt("a parameter reaches beyond the end of its event", offset)
        params.append(data[at : at + length])
        at += length
    return params


def plain_key(data: bytes, at: int) -> bytes:
    """Return the key of a plain event's shape (`blocks.EVENT`): the header from the length on, and all lengths."""
    count = int.from_bytes(data[at + _COUNT_AT : at + _LENGTHS_AT], "little")
    return data[at + _KEY_AT : at + _LENGTHS_AT + 2 * count]
