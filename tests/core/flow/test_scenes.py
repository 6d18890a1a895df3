"""Whole runs with all kinds of failures: every call of a component, every notice and every metric is as recorded. After
an intended difference: `python -m tests.core.flow.scenes`.
"""

import pytest

from tests.core.flow.scenes import FILE, SCENES, Scene
from tests.support import golden


@pytest.mark.parametrize("name", SCENES)
def test_a_run_calls_its_components_counts_and_speaks_as_it_did(name: str) -> None:
    scene = Scene(name)
    reported = scene.play()
    ends = ("rejected", "evaluated", "internal", "dropped")
    assert scene.events("received") == sum(map(scene.events, ends)), "each event has one end"
    assert golden.first_difference(golden.kept(FILE)[name], reported) == ""
