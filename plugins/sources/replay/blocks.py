"""Blocks of a `.scap` recording: types, lengths and their limits, and the section header."""

import struct
from typing import Final

import msgspec

SECTION: Final = 0x0A0D0D0A
MACHINE: Final = 0x201
EVENT: Final = 0x216
"""The block that today's recordings are made of; see `EVENTS` for its relatives."""


class EventBlock(msgspec.Struct, frozen=True):
    """The parts that vary between the blocks that hold an event."""

    counted: bool
    """The event says how many parameters it has."""
    flagged: bool
    """A word of flags stands before the event."""
    large: bool
    """The block may exceed 64 KiB."""


EVENTS: Final[dict[int, EventBlock]] = {
    0x204: EventBlock(counted=False, flagged=False, large=False),
    0x8010ABCD: EventBlock(counted=False, flagged=False, large=False),
    0x208: EventBlock(counted=False, flagged=True, large=False),
    0x216: EventBlock(counted=True, flagged=False, large=False),
    0x217: EventBlock(counted=True, flagged=True, large=False),
    0x221: EventBlock(counted=True, flagged=False, large=True),
    0x222: EventBlock(counted=True, flagged=True, large=True),
}

PROCESSES: Final[dict[int, int]] = {
    0x202: 1, 0x8000ABCD: 1, 0x207: 2, 0x8013ABCD: 2, 0x209: 3, 0x8014ABCD: 3,
    0x210: 4, 0x211: 5, 0x212: 6, 0x213: 7, 0x214: 8, 0x215: 9,
}  # fmt: skip
"""Block type → version of the list of processes."""
DESCRIPTORS: Final[dict[int, int]] = {0x203: 1, 0x8001ABCD: 1, 0x218: 2}
INTERFACES: Final[dict[int, int]] = {0x205: 1, 0x8011ABCD: 1, 0x219: 2}
USERS: Final[dict[int, int]] = {0x206: 1, 0x8012ABCD: 1, 0x220: 2}

HEADER: Final = struct.Struct("<II")
"""Type and total length, which counts this header, the body, its padding and the length repeated at the end."""
FRAME: Final = 12
"""Bytes of a block around its body."""

STATE_ONLY: Final = 1
"""Bit of the word of flags: for the state, not for rules."""

_EVENT_LIMIT: Final = (1 << 16) + 8
_LARGE_LIMIT: Final = 1 << 24
_TABLE_LIMIT: Final = 1 << 26
_SECTION: Final = struct.Struct("<IHHQ")
_MAGIC: Final = 0x1A2B3C4D
_SWAPPED_MAGIC: Final = b"\x1a\x2b\x3c\x4d"
_MAJOR: Final = 1


def length_problem(kind: int, length: int) -> str:
    """Return why a block cannot be so long; empty if it can. It is called before the length is used."""
    event = EVENTS.get(kind)
    if length < FRAME:
        return f"a block claims a length of {length} bytes, less than its own frame"
    limit = _TABLE_LIMIT if event is None else _LARGE_LIMIT if event.large else _EVENT_LIMIT
    if length > limit:
        return f"a block of type {kind:#x} claims a length of {length} bytes, more than the {limit} it may have"
    return ""


def section_problem(head: bytes) -> str:
    """Return why these bytes (28 or more) do not begin a recording; empty if they do."""
    if int.from_bytes(head[:4], "little") != SECTION:
        return "it is not a recording: the magic number of a section header is missing"
    if head[8:12] == _SWAPPED_MAGIC:
        return "it was recorded on a big-endian machine; such recordings cannot be read"
    magic, major, minor, _ = _SECTION.unpack_from(head, HEADER.size)
    if magic != _MAGIC:
        return f"its section header holds the byte-order mark {magic:#x} instead of {_MAGIC:#x}"
    if major > _MAJOR:
        return f"its format is version {major}.{minor}; versions up to {_MAJOR} can be read"
    return ""
