import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.monitor import Usage
from benchmarks.place import put
from benchmarks.side_by_side import cell, measured
from benchmarks.wanted_rows import Rows, sustained
from benchmarks.watcher import Opens, Site, Watcher


def test_a_cell_has_the_median_and_the_spread_and_a_dash_where_nothing_is_reported() -> None:
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


def watched(script: Path, ready: str) -> Watcher:
    """Return a monitor that has run; Python runs it from this file, beside which its rules lie."""
    made = Watcher("made", f"{sys.executable} {script}", ready, "")
    made.begin(script.parent)
    with made.watching(Usage()):
        pass
    return made


def test_a_line_that_is_logged_in_the_middle_of_an_alert_breaks_neither(tmp_path: Path) -> None:
    script = tmp_path / "monitor.py"
    script.write_text(
        "import os, time\nos.write(1, b'{\"rule\": ')\nos.write(2, b'watching\\n')\nos.write(1, b'\"Burst\"}\\n')\n"
        "time.sleep(60)\n"  # a monitor runs until it is ended
    )
    made = watched(script, "watching")
    assert ({"Burst": 1}, ["watching\n"]) == (dict(made.alerts), made.lines)


def test_a_monitor_runs_in_a_session_of_its_own_as_a_service_does(tmp_path: Path) -> None:
    script = tmp_path / "monitor.py"
    script.write_text(
        "import os, time\nprint('leads its session:', os.getsid(0) == os.getpid(), flush=True)\n"
        "time.sleep(60)\n"  # a monitor runs until it is ended
    )
    made = watched(script, "leads its session")
    assert ["leads its session: True\n"] == made.lines


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

    def opens(site: Site, rate: int, processes: int, paths: int) -> Opens:
        usage.lost, made.recognised = int(rate > keeps_up), 500
        return Opens(1_000, min(rate, 260_000))

    monkeypatch.setattr(Site, "watched", lambda site, monitor: Watched())
    monkeypatch.setattr(Site, "opens", opens)
    best, recognised = sustained(1, 1)(made, Site(Path("/f"), Path("/r")))
    assert found == best
    assert recognised == 50 if found else math.isnan(recognised)


def test_rows_that_count_are_measured_once_and_others_in_each_round() -> None:
    site, seen = Site(Path("/f"), Path("/r")), []

    def measure(monitor: Watcher, _: Site) -> Sequence[float]:
        seen.append(monitor.name)
        return len(seen), 10 * len(seen)

    monitors = [Watcher(name, "", "", "") for name in ("a", "b")]
    names = (("p50", " ms"), ("p99", " ms"))
    assert ["| p50 | 2 ms (1 … 3) | 3 ms (2 … 4) |", "| p99 | 20 ms (10 … 30) | 30 ms (20 … 40) |"] == measured(
        Rows(names, measure), monitors, site, 2
    )
    seen.clear()
    assert ["| p50 | 1 ms | 2 ms |", "| p99 | 10 ms | 20 ms |"] == measured(
        Rows(names, measure, is_count=True), monitors, site, 2
    )


def test_a_table_takes_its_place_in_a_page_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- one -->\nold\n<!-- end of one -->\nafter\n")
    put(page, "one", "| new |")
    put(page, "one", "| newer |")
    assert "before\n<!-- one -->\n| newer |\n<!-- end of one -->\nafter\n" == page.read_text()
    with pytest.raises(SystemExit, match="no lines '<!-- two -->'"):
        put(page, "two", "| new |")
