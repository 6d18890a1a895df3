"""Files with false contents: one clean error, at its offset, after the readable part."""

import gzip
import io
import struct
import tracemalloc

import pytest

from mozu.core.errors import SourceBroken
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.capture import SECTION, Capture, block, event, str16, today

GOOD = Capture().process(5, "a").event("chdir", 5, 0, "/a").event("chdir", 5, 0, "/b").raw()
LAST = 56
"""Size of the last block in bytes."""
CHDIR = today("chdir").id


def read(raw: bytes) -> tuple[list[SyscallEvent], str]:
    """Return the events for rules and the error."""
    seen: list[SyscallEvent] = []
    try:
        for batch in ScapRecording(io.BytesIO(raw), "test").batches():
            seen += (item for item in batch if not item.type.startswith("_"))
    except SourceBroken as error:
        return seen, str(error)
    return seen, ""


@pytest.mark.parametrize("length", [0, 1, 8, 11])
def test_a_block_shorter_than_its_frame_ends_the_reading(length: int) -> None:
    seen, error = read(GOOD + struct.pack("<II", 0x216, length) + bytes(64))
    assert (len(seen), f"at byte {len(GOOD)}" in error) == (2, True)


@pytest.mark.parametrize("kind", [0x216, 0x221, 0x215, 0x777, 0x0A0D0D0A])
def test_a_huge_length_is_refused_before_anything_is_allocated(kind: int) -> None:
    tracemalloc.start()
    _, error = read((GOOD if kind == 0x216 else SECTION) + struct.pack("<II", kind, 0xFFFFFFF0) + bytes(64))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "claims a length" in error
    assert peak < 4 << 20


@pytest.mark.parametrize("cut", range(1, LAST))
def test_a_truncated_recording_gives_what_was_complete(cut: int) -> None:
    seen, error = read(GOOD[:-cut])
    assert (len(seen), "ends in the middle of a block" in error) == (1, True)


def test_a_truncated_compressed_recording_gives_what_could_be_decompressed() -> None:
    raw = Capture()
    for index in range(2000):
        raw.event("chdir", 5, 0, f"/{index * 7919}")
    packed = raw.gzip()
    seen, error = read(packed[: len(packed) // 2])
    assert 500 < len(seen) < 1500
    assert "ends in the middle of a member" in error


def test_damage_in_the_compressed_data_costs_only_what_follows_it() -> None:
    raw = Capture()
    for index in range(20_000):
        raw.event("chdir", 5, 0, f"/{index * 7919}")
    packed = bytearray(raw.gzip())
    middle = len(packed) // 2
    packed[middle : middle + 64] = b"\xff" * 64
    seen, error = read(bytes(packed))
    assert len(seen) > 5_000
    assert error


def test_a_decompression_bomb_is_refused() -> None:
    zeros = block(0x777, bytes(1 << 20))
    bomb = gzip.compress(SECTION + zeros * 300, 9)
    tracemalloc.start()
    _, error = read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "as no recording does" in error
    assert peak < 32 << 20


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "empty"),
        (b"hello, this is no recording at all", "magic number"),
        (SECTION[:8] + b"\x1a\x2b\x3c\x4d" + SECTION[12:], "big-endian"),
        (SECTION[:12] + b"\x02\x00" + SECTION[14:], "version 2.2"),
        (SECTION[:20], "section header"),
        (gzip.compress(b"hello, this is no recording at all", mtime=0), "magic number"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(raw: bytes, complaint: str) -> None:
    _, error = read(raw)
    assert complaint in error
    assert error.startswith("recording test: ")


def test_a_length_that_is_not_repeated_at_the_end_is_corruption() -> None:
    broken = bytearray(GOOD + event(CHDIR, []))
    broken[len(GOOD) - 4] ^= 4
    _, error = read(bytes(broken))
    assert "ends with the length" in error


def test_a_table_among_the_events_is_refused() -> None:
    seen, error = read(GOOD + block(0x215, b""))
    assert (len(seen), "stands among the events" in error) == (2, True)


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("<I", 0),
        struct.pack("<I", 3) + bytes(20),
        struct.pack("<I", 0xFFFFFFFF) + bytes(60),
        struct.pack("<I", 90) + struct.pack("<QQQQQ", 5, 5, 1, 5, 5) + struct.pack("<H", 0xFFFF) + bytes(60),
    ],
)
def test_a_process_that_cannot_be_right_ends_the_reading(body: bytes) -> None:
    _, error = read(SECTION + block(0x215, body) + event(CHDIR, []))
    assert "needed" in error or "needs" in error or "at most" in error


def test_a_process_with_an_impossible_number_is_left_out() -> None:
    texts = str16("a") * 2 + str16("") + str16("/")
    body = struct.pack("<QQQ", 1 << 40, 5, 1) + texts + struct.pack("<qIII", 1, 0, 0, 0)
    seen, error = read(SECTION + block(0x202, body) + event(CHDIR, []))
    assert (len(seen), error) == (1, "")


@pytest.mark.parametrize("count", [65, 0xFFFFFFFF])
def test_an_event_with_too_many_parameters_is_refused(count: int) -> None:
    body = struct.pack("<HQqIHI", 0, 1, 1, 200, CHDIR, count) + bytes(174)
    _, error = read(SECTION + block(0x216, body))
    assert "parameters" in error


def test_a_parameter_that_reaches_beyond_its_event_is_refused() -> None:
    body = struct.pack("<HQqIHIHH", 0, 1, 1, 30, CHDIR, 2, 8, 5)
    _, error = read(SECTION + block(0x216, body))
    assert "reaches beyond" in error


def test_lengths_of_an_old_event_that_add_up_to_nothing_are_refused() -> None:
    body = struct.pack("<HQqIH", 0, 1, 1, 24, CHDIR) + b"\x01\x00"
    _, error = read(SECTION + block(0x204, body))
    assert "do not add up" in error


def test_shapes_without_end_do_not_fill_the_memory() -> None:
    capture = Capture()
    for index in range(40_000):
        capture.event("chdir", 5, 0, "x" * (index % 4000) + "\0" * (index // 4000))
    recording = ScapRecording(io.BytesIO(capture.raw()), "test")
    assert sum(len(batch) for batch in recording.batches()) == 40_001
    assert len(recording.shapes.known) <= 1 << 15
