"""Mutated recordings: clean errors only, through the state machine too. MOZU_FUZZ=full tries more of them."""

import os
import random
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from mozu.core.errors import SourceBroken
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.state import StateMachine
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.mozu_recording import MozuRecording, head_of, is_mozu_recording
from tests.core.flow.making import pipeline_of
from tests.core.recording.making import live, packed, rerecorded
from tests.oracle.capture import Capture
from tests.plugins.sources.test_replay_fuzz import mutate

TRIES = 30_000 if os.environ.get("MOZU_FUZZ") == "full" else 800
MEMORY = 24 << 20
"""Bytes of memory that reading one small mutated file may need."""
WORDS = (
    b"null", b"0", b"-1", b"[]", b"{}", b'""', b"1e9", b"18446744073709551616", b"true", b'"\\udcff"', b"(((",
    b":Saved", b"9" * 400, b'"_state"', b'"_saved"', b'"_restored"', b'"_looked"', b'"execve"', b'"line"', b'["',
    b"\n", b"i", b"s", b"b", b"l",
)  # fmt: skip


class Nothing:
    """A source with the only property that the pipeline needs."""

    origin = "fuzz"


def seeds() -> list[bytes]:
    """Return small recordings that have every kind of line."""
    capture = Capture().machine().process(5, "bash", args=("-l", "x"), cgroups=("cpu=/docker/" + "a" * 64,))
    capture.files(5, (0, "/dev/pts/1"), (3, "/tmp/x")).user(1000, "mira")
    capture.event("useradded", -1, 5, 5, "eve", "/home/eve", "/bin/sh", "")
    capture.event("openat", 5, -100, "/a", 1, 0, number=306).event("openat", 5, 3, -100, "/etc/passwd", 1, 0, 0, 42)
    capture.event("close", 5, 0, 3)
    return [live(), live(often=True), rerecorded(capture), packed(live())]


def garbled(chance: random.Random, raw: bytes) -> bytes:
    """Return lines that are nearly JSON: words are replaced by others, or lines reordered."""
    if chance.random() < 0.3:
        lines = raw.splitlines(keepends=True)
        for _ in range(chance.choice((1, 2, 4))):
            lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
        return b"".join(lines)
    data = raw
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data))
        end = min((found for mark in b',]}:"' if (found := data.find(mark, at + 1)) > 0), default=at)
        data = data[:at] + chance.choice(WORDS) + data[end:]
    return data


def mutations(tries: int) -> Iterator[bytes]:
    chance = random.Random(20260202)
    for _ in range(tries):
        raw = chance.choice(seeds_made)
        if raw.startswith(b"\x1f"):
            yield mutate(chance, raw)
        else:
            changed = garbled(chance, raw) if chance.random() < 0.8 else mutate(chance, raw)
            yield packed(changed) if chance.random() < 0.2 else changed


seeds_made = seeds()


def judged(raw: bytes) -> tuple[int, str]:
    """Return the number of events shown, and the error that ended the reading: only the clean one may."""
    state = StateMachine(procfs=None)
    source: Any = Isolated("source", "fuzz", Nothing(), Metrics())
    pipeline = pipeline_of(source, live=False, state=state, metrics=Metrics())
    try:
        for batch in MozuRecording(BytesIO(raw), "mutated", RecordingMetadata()).batches():
            pipeline.process(batch)
            if pipeline.evaluated.value:
                state.snapshot()
    except SourceBroken as error:
        return pipeline.evaluated.value, str(error)
    return pipeline.evaluated.value, ""


@pytest.mark.timeout(3600)
def test_mutated_recordings_give_clean_errors_in_bounded_memory() -> None:
    broken = 0
    tracemalloc.start()
    try:
        for raw in mutations(TRIES):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            is_mozu_recording(BytesIO(raw))
            head_of(BytesIO(raw))
            count, error = judged(raw)
            assert not error or "at byte " in error
            assert count < 1_000
            assert tracemalloc.get_traced_memory()[1] - before < MEMORY
            broken += bool(error)
    finally:
        tracemalloc.stop()
    assert TRIES // 4 < broken < TRIES
