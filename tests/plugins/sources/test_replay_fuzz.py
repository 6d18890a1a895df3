"""Mutated recordings: clean errors only, bounded memory, no hang. MOZU_FUZZ=full tries more of them."""

import gzip
import io
import os
import random
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from mozu.core.errors import SourceBroken
from mozu.core.model.event import SockAddr, SockTuple
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.capture import Capture, block
from tests.support.requirements import foreign

TRIES = 50_000 if os.environ.get("MOZU_FUZZ") == "full" else 500
MEMORY = 24 << 20
"""Memory in bytes that reading one small mutated file may need."""
SECONDS = 20.0
"""Seconds of CPU that one file may take."""
_LARGE_SHARE = 0.04
"""Share of tries for captures of the corpus, which take fifty times as long as the small ones."""
PLACES = (0, 1, 2, 4, 8)
VALUES = (0, 1, 0x7F, 0x80, 0xFF)


def seeds() -> list[bytes]:
    """Return small recordings that between them have every kind of block and of parameter."""
    ends = SockTuple(2, b"\x0a\0\0\1", 40000, b"\x08\x08\x08\x08", 53)
    modern = Capture().machine().process(5, "bash", args=("-l", "x"), cgroups=("cpu=/docker/" + "a" * 64,))
    modern.files(5, (0, "/dev/pts/1"), (3, "/tmp/x")).user(1000, "mira")
    modern.event("useradded", -1, 5, 5, "eve", "/home/eve", "/bin/sh", "")
    record = b'{"container":{"id":"aaaaaaaaaaaa","name":"web","labels":{"a":"b"}}}\0'
    modern.event("asyncevent", -1, 0, "container", record)
    modern.event("openat", 5, -100, "/a", 1, 0, number=306).event("openat", 5, 3, -100, "/etc/passwd", 1, 0, 0, 42)
    modern.event("connect", 5, 0, ends, 4, SockAddr(2, b"\x08\x08\x08\x08", 53))
    modern.event("poll", 5, 1, ((3, 1), (4, 4)), 1000).event("ptrace", 5, 0, b"\0" + bytes(8), b"\1\x09", 1, 7)
    modern.event("syscall", 5, 28, 219, number=1).event("close", 5, 0, 3)
    old = Capture().process(5, "sh").add(block(0x203, b"\5" + bytes(7)))
    old.event("close", 5, 3, number=4).event("close", 5, 0, number=5)
    old.event("execve", 5, 0, "sh", b"", 5, 5, 1, "/", 1024, number=13)
    return [modern.raw(), modern.gzip(), old.raw(), modern.raw() + old.raw()]


def captures() -> list[bytes]:
    """Return small captures of the corpus; empty if it is not available."""
    folder = foreign("captures")
    if folder is None:
        return []
    return [path.read_bytes() for path in sorted(folder.glob("*.scap")) if path.stat().st_size < 1 << 16]


def mutations(tries: int) -> Iterator[bytes]:
    """Yield recordings with bytes set, cut, doubled, swapped; half of the changes are inside compressed parts."""
    chance = random.Random(20260101)
    small, large = seeds(), captures() or seeds()
    for _ in range(tries):
        raw = chance.choice(large if chance.random() < _LARGE_SHARE else small)
        packed = raw[:2] == b"\x1f\x8b"
        if packed and chance.random() < 0.5:
            yield gzip.compress(mutate(chance, gzip.decompress(raw)), 1)
        else:
            yield mutate(chance, raw)


def mutate(chance: random.Random, raw: bytes) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.choice(VALUES)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.choice((1, 4, 64))]
            case 3:
                data[at:at] = data[at : at + chance.choice((1, 4, 64))]
            case _:
                width = chance.choice(PLACES[1:])
                data[at : at + width] = chance.randrange(1 << 8 * width).to_bytes(width, "little")
        if not data:
            return b"\0"
    return bytes(data)


def read(raw: bytes) -> int:
    """Return the number of events; only the clean error may end the reading."""
    count = 0
    try:
        for batch in ScapRecording(io.BytesIO(raw), "mutated").batches():
            count += len(batch)
    except SourceBroken as error:
        assert "at byte " in str(error)  # noqa: PT017
    return count


@pytest.mark.timeout(3600)
def test_mutated_recordings_give_clean_errors_in_bounded_memory_and_time() -> None:
    tracemalloc.start()
    try:
        for raw in mutations(TRIES):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            begun = time.thread_time()
            count = read(raw)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < MEMORY
            assert count < 20_000
            assert time.thread_time() - begun < SECONDS
    finally:
        tracemalloc.stop()
