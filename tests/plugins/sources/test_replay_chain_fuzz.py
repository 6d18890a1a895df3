"""Mutated recordings through all stages behind the reader: state, every field, encoders. None may raise."""

import io
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.errors import SourceBroken
from mozu.core.model.fields import Argument, FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.core.testing import context
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.replay.field_readers import readers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.busy import recording
from tests.plugins.sources.test_replay_fuzz import mutate, seeds

TRIES = 3_000 if os.environ.get("MOZU_FUZZ") == "full" else 30
_BARE = (Argument.NONE, Argument.INDEX_OPTIONAL, Argument.KEY_OPTIONAL, Argument.DOTTED_OPTIONAL)
_EVENT = 0x216


class Chain:
    """Chain of the state and a rule that prints every field of every event."""

    def __init__(self, folder: Path) -> None:
        fields = FieldRegistry((*builtin_fields(), *mozu_components().fields))
        self._metadata = RecordingMetadata(fields.lookups)
        for name, make in readers(self._metadata).items():
            fields.provide(name, make)
        names = [field.name for field in fields if "syscall" in field.sources and field.argument in _BARE]
        shown = [name for name in names if not (fields.resolve(name).field.traits & {"filter_only"})]
        rules = folder / "rules.yaml"
        output = " ".join(f"%{name}" for name in shown)
        rules.write_text(f"- {{rule: all, desc: d, condition: evt.num > 0, output: '{output}', priority: INFO}}\n")
        about = context("chain", offline=True)
        about.fields = fields
        settings = mozu_components().settings.model_validate({"rules": [str(rules)]})
        self._rules = FalcoEvaluator(settings, about)
        self._formats = FalcoJson(), FalcoText()

    def judge(self, raw: bytes) -> int:
        """Return the number of alerts raised and encoded."""
        state, count = StateMachine(procfs=None), 0
        for batch in ScapRecording(io.BytesIO(raw), "mutated", self._metadata).batches():
            events = state.apply(batch)
            for alert in self._rules.evaluate(events):
                for form in self._formats:
                    form.encode(alert)
                count += 1
            if events:
                state.prune(events[-1].num)
        return count


def parameters_changed(chance: random.Random, raw: bytes) -> bytes:
    """Return the recording with changed bytes in the parameters (or the thread) of events, so that the frame stays
    whole.
    """
    data = bytearray(raw)
    spans = list(_parameters(raw))
    for _ in range(chance.randrange(1, 12)):
        start, end = chance.choice(spans)
        at = chance.randrange(start, end)
        width = min(chance.choice((1, 2, 4, 8)), end - at)
        fill = chance.choice((0, 0xFF, 0x80, ord("/"), ord("."), None))
        data[at : at + width] = chance.randbytes(width) if fill is None else bytes([fill]) * width
    return bytes(data)


def _parameters(raw: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 36 <= len(raw):
        kind, length = struct.unpack_from("<II", raw, at)
        if kind == _EVENT:
            (count,) = struct.unpack_from("<I", raw, at + 32)
            yield at + 18, at + 26
            if at + 36 + 2 * count < at + length - 4:
                yield at + 36 + 2 * count, at + length - 4
        at += length


@pytest.mark.timeout(3600)
def test_nothing_behind_the_reader_raises_for_mutated_recordings(tmp_path: Path) -> None:
    chance = random.Random(20260102)
    chain = Chain(tmp_path)
    busy = recording(150, plain=True)
    alerts = 0
    for _ in range(TRIES):
        raw = parameters_changed(chance, busy) if chance.random() < 0.7 else mutate(chance, seeds()[0])
        try:
            alerts += chain.judge(raw)
        except SourceBroken:
            continue
    assert alerts > TRIES
