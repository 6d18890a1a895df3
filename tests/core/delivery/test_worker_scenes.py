"""Recorded scenes of destinations: every alert is delivered, dropped or left, and pauses, retries and dead letters are
as before. After an intended difference: `python -m tests.core.delivery.worker_scenes`.
"""

from pathlib import Path

import pytest

from tests.core.delivery.worker_scenes import FILE, SCENES, Scene
from tests.support import golden


@pytest.mark.parametrize("name", SCENES)
def test_a_worker_tries_waits_and_gives_up_as_it_did_and_loses_no_alert_unsaid(name: str, tmp_path: Path) -> None:
    scene = Scene(name, tmp_path)
    reported = scene.play()
    for numbers in scene.acts:
        dropped = sum(count for name, count in numbers.items() if name.startswith("sink_alerts_dropped_total"))
        kept = numbers.get("spool_left_records_total", 0) + numbers.get("sink_alerts_dead_lettered_total", 0)
        came = numbers["sink_alerts_accepted_total"] + numbers.get("spool_found_records_total", 0)
        assert came == numbers["sink_alerts_delivered_total"] + dropped + kept
    assert golden.first_difference(golden.kept(FILE)[name], reported) == ""
