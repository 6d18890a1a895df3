import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks.monitor import Usage
from benchmarks.side_by_side import Site, Watcher, cell, sustained


def test_a_cell_has_the_median_and_the_spread_and_a_dash_where_nothing_is_told() -> None:
    assert "2.50 ms (0.50 … 9.00)" == cell([0.5, 9, 2.5], " ms")
    assert "200,000 opens/s" == cell([200_000], " opens/s")
    assert "–" == cell([1.0, float("nan")], " %")


def watcher(lost: str = "") -> Watcher:
    return Watcher("made", "monitor -r {rules} --stats {stats}", "watching", lost)


def test_the_command_line_names_the_rules_and_the_statistics() -> None:
    made = watcher()
    made.begin(Path("/r.yaml"))
    assert ["monitor", "-r", "/r.yaml", "--stats", "/s.json"] == made.command(Path("/s.json"))


def test_alerts_are_counted_by_rule_and_aged_by_their_event(tmp_path: Path) -> None:
    made = watcher(r"drops: (\d+)")
    made.begin(tmp_path)
    event = {"evt.time": time.time_ns() - 5_000_000}
    for line in ("ready\n", json.dumps({"rule": "Made", "output_fields": event}), '{"rule": "Burst"}', "drops: 17\n"):
        made.took(line)
    assert ({"Made": 1, "Burst": 1}, 17) == (dict(made.alerts), made.lost(tmp_path / "none"))
    assert 5 <= made.ages[0] < 5_000


def test_a_monitor_that_does_not_say_what_it_lost_is_not_said_to_lose_nothing(tmp_path: Path) -> None:
    assert -1 == watcher().lost(tmp_path / "none")


@pytest.mark.parametrize(("keeps_up", "found"), [(160_000, 150_000), (10_000, 0), (1_000_000, 260_000)])
def test_sustained_is_the_highest_rate_without_loss_or_what_the_machine_makes(
    monkeypatch: pytest.MonkeyPatch, keeps_up: int, found: float
) -> None:
    made, usage = Watcher("made", sys.executable, "", ""), Usage()
    made.begin(Path("/r"))

    class Watched:
        def __enter__(self) -> Usage:
            return usage

        def __exit__(self, *error: object) -> None:
            pass

    def opens(site: Site, rate: int, processes: int, paths: int) -> float:
        usage.lost = int(rate > keeps_up)
        return min(rate, 260_000)

    monkeypatch.setattr(Site, "watched", lambda site, monitor: Watched())
    monkeypatch.setattr(Site, "opens", opens)
    assert found == sustained(1, 1)(made, Site(Path("/f"), Path("/r")))
