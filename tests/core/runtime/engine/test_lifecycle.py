"""Lifecycle notices: every sink gets start, reload and stop, and the death of the run before."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from mozu.core.api import Demand, SourceUnavailable
from mozu.core.runtime.run_file import RunFile, instance
from tests.core.runtime.engine.playing import Memory, Numbers, Play


def notices(sink: Memory) -> list[str]:
    return [record.alert.rule for record in sink.records if record.alert.source == "internal"]


def died(folder: Path) -> None:
    """Leave the run file of a killed run of the same configuration."""
    file = RunFile.claim(folder / "state/run", instance(()))
    assert file is not None
    file.begin("0.9")
    os.close(file._descriptor)


def test_start_and_stop_reach_every_sink_first_and_last(tmp_path: Path) -> None:
    first, second = Memory(), Memory()
    Play(Numbers(3), first, second).run(tmp_path, announces=True)
    for sink in (first, second):
        rules = [record.alert.rule for record in sink.records]
        assert ["mozu started", "number", "number", "number", "mozu stopped"] == rules
        assert "the sources have ended" == sink.records[-1].alert.values["reason"]
    assert [] == list((tmp_path / "state/run").iterdir())


def test_a_look_at_a_recording_announces_nothing(tmp_path: Path) -> None:
    sink = Memory()
    Play(Numbers(3), sink).run(tmp_path)
    assert ([], False) == (notices(sink), (tmp_path / "state").exists())


def test_a_reload_is_reported(tmp_path: Path) -> None:
    async def reload() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        while len(source.demands) < 2:
            await asyncio.sleep(0)

    source, sink = Numbers(1, then=reload), Memory()
    Play(source, sink).run(tmp_path, announces=True)
    assert ["mozu started", "mozu reloaded", "mozu stopped"] == notices(sink)


def test_a_death_without_a_word_is_reported_once_by_the_next_start(tmp_path: Path) -> None:
    died(tmp_path)
    sink, later = Memory(), Memory()
    Play(Numbers(1), sink).run(tmp_path, announces=True)
    Play(Numbers(1), later).run(tmp_path, announces=True)
    assert ["mozu ended without a word", "mozu started", "mozu stopped"] == notices(sink)
    values = sink.records[0].alert.values
    assert ("0.9", os.getpid(), 0) == (values["version"], values["pid"], values["rebooted"])
    assert f"ended without a word after {values['last_sign']!s}" in sink.records[0].alert.message()
    assert ["mozu started", "mozu stopped"] == notices(later)


def test_a_refused_start_does_not_forget_it(tmp_path: Path) -> None:
    class Absent(Numbers):
        async def start(self, demand: Demand) -> None:
            raise SourceUnavailable("no such kernel")

    died(tmp_path)
    with pytest.raises(SourceUnavailable):
        Play(Absent(1), Memory()).run(tmp_path, announces=True)
    sink = Memory()
    Play(Numbers(1), sink).run(tmp_path, announces=True)
    assert "mozu ended without a word" == notices(sink)[0]


def test_without_a_place_for_the_run_file_mozu_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    sink = Memory()
    code, _ = Play(Numbers(1), sink).run(tmp_path, announces=True)
    assert (0, ["mozu started", "mozu stopped"]) == (code, notices(sink))


def test_a_run_signs_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mozu.core.runtime.engine.lifecycle._SIGN_INTERVAL", 0.001)
    signs = 0
    real = RunFile.sign

    def sign(file: RunFile) -> None:
        nonlocal signs
        signs += 1
        real(file)

    monkeypatch.setattr(RunFile, "sign", sign)

    async def signed() -> None:
        while signs < 3:
            await asyncio.sleep(0.001)

    Play(Numbers(1, then=signed), Memory()).run(tmp_path, announces=True)
    assert 3 <= signs
