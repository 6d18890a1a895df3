"""`mozu rules follow`: pulls in each period, and says what changes."""

import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run
from tests.core.cli.rules_artifact.artifacts import in_force
from tests.core.cli.rules_artifact.test_commands import BROKEN, Scene


@pytest.fixture
def scene(tmp_path: Path, run: Run) -> Scene:
    return Scene(tmp_path, run)


def followed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *before: Callable[[], object]
) -> tuple[list[float], str, str]:
    """Follow; each wait calls the next of these instead, and SIGTERM ends the last. Return waits, output, errors."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > len(before):
            signal.raise_signal(signal.SIGTERM)
        before[len(waits) - 1]()

    monkeypatch.setattr(time, "sleep", sleep)
    arguments = ("--unsigned", "--every", "100", "--jitter", "10")
    code, out, err = scene.ask("follow", f"{scene.layout}:stable", *arguments)
    assert 0 == code
    return waits, out, err


def test_each_period_pulls_and_reports_changes_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    index = scene.folder / "layout" / "index.json"
    states = []
    for version, files in (("1.0", {}), ("2.0", {"web": BROKEN}), ("3.0", {})):
        scene.push(version, **files)
        states.append(index.read_bytes())
    first, broken, last = (partial(index.write_bytes, state) for state in states)
    steps = (first, first, broken, broken, last)

    waits, out, err = followed(scene, monkeypatch, *steps)

    assert 0.0 == waits[0]
    assert all(100 <= seconds <= 110 for seconds in waits[1:])
    assert len({*waits[1:]}) > 1
    assert ["is in force", "is in force already", "is in force"] == [
        line.partition("sha256:")[2][65:] for line in out.splitlines()
    ]
    assert 1 == err.count("\n")
    assert "the rules do not pass the check" in err
    assert "nc of 3.0" in in_force(scene.versions)


def test_a_machine_with_rules_begins_within_the_jitter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.push("1.0")
    scene.pull()
    waits, _, _ = followed(scene, monkeypatch)
    assert 0 < waits[0] <= 10
