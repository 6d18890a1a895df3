import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import requirements
from tests.support.clean import clean_environment, run_clean

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONFIGURATION = """\
sources: [ticker: {count: 150, seconds: 0.01}]
enrichers: []
evaluators: [metronome]
sinks:
  - sleepy: {seconds: 30}
  - stdout: {format: json}
stop_deadline: 1
"""


def mozu(environment: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a directory in which only the installed mozu can be found."""
    return run_clean(environment / "mozu", *arguments, cwd=folder, patience=120)


@pytest.fixture(scope="module")
def finished(with_third_party: Path, tmp_path_factory: pytest.TempPathFactory) -> "tuple[Any, str, list[Any]]":
    """Run with a source, an evaluator and a sleeping sink of a third party; return statistics, log and alerts."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "mozu.yaml").write_text(CONFIGURATION)
    done = mozu(with_third_party, folder, "run", "-c", "mozu.yaml", "--stats", "stats.json")
    assert done.returncode == 0, done.stderr
    statistics = json.loads((folder / "stats.json").read_text())
    return statistics, done.stderr, [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_installed_and_not_named_is_listed_and_not_loaded(with_third_party: Path, tmp_path: Path) -> None:
    listed = json.loads(mozu(with_third_party, tmp_path, "plugins", "--json").stdout)
    assert sorted((item["name"], item["distribution"], item["version"]) for item in listed["available"]) == [
        ("metronome", "mozu-example", "0.3"),
        ("sleepy", "mozu-example", "0.3"),
        ("ticker", "mozu-example", "0.3"),
    ]
    assert {item["distribution"] for item in listed["plugins"]} == {"mozu"}


def test_what_the_configuration_names_is_loaded_with_its_settings(with_third_party: Path, tmp_path: Path) -> None:
    (tmp_path / "mozu.yaml").write_text(CONFIGURATION)
    listed = json.loads(mozu(with_third_party, tmp_path, "plugins", "--json", "-c", "mozu.yaml").stdout)
    (sleepy,) = [item for item in listed["plugins"] if item["name"] == "sleepy"]
    assert (sleepy["kind"], sleepy["distribution"]) == ("sink", "mozu-example")
    assert [setting["name"] for setting in sleepy["settings"]] == ["seconds"]
    assert listed["available"] == []


def test_a_mistake_in_a_third_partys_setting_has_its_place(with_third_party: Path, tmp_path: Path) -> None:
    (tmp_path / "mozu.yaml").write_text("sources:\n  - ticker: {cuont: 3}\nenrichers: []\nevaluators: []\n")
    done = mozu(with_third_party, tmp_path, "run", "-c", "mozu.yaml")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "mozu.yaml:2:5: source ticker: the setting count is missing",
        "mozu.yaml:2:14: source ticker: unknown setting cuont; did you mean 'count'?",
    ]


def test_its_events_become_alerts_of_its_own_evaluator(finished: "tuple[Any, str, list[Any]]") -> None:
    _, _, alerts = finished
    assert [alert["output_fields"]["tick.number"] for alert in alerts if alert["rule"] == "Tick"] == [*range(1, 151)]


def test_while_its_sink_sleeps_nothing_is_lost_on_the_way_in(finished: "tuple[Any, str, list[Any]]") -> None:
    statistics, _, _ = finished
    source = statistics["sources"]["ticker"]
    assert (source["received"], source["evaluated"], source["rejected"]) == (150, 150, 0)


def test_the_statistics_name_the_sink_that_sleeps(finished: "tuple[Any, str, list[Any]]") -> None:
    statistics, log, _ = finished
    sink = statistics["sinks"]["sleepy"]
    assert sink["busy_seconds"] > 1
    assert "sink sleepy: " in log
    assert "busy for" in next(line for line in log.splitlines() if "sink sleepy: accepted" in line)


def test_what_the_sleeping_sink_accepted_is_accounted_for(finished: "tuple[Any, str, list[Any]]") -> None:
    statistics, _, _ = finished
    sink = statistics["sinks"]["sleepy"]
    assert sink["accepted"] >= 150
    assert sink["accepted"] == sink["delivered"] + sum(sink["dropped"].values()) + sink["queued"]


def test_a_sleeping_sink_delays_no_other(finished: "tuple[Any, str, list[Any]]") -> None:
    statistics, _, _ = finished
    assert statistics["sinks"]["stdout"]["delivered"] == statistics["sinks"]["stdout"]["accepted"]


@pytest.mark.ebpf
def test_while_its_sink_sleeps_no_kernel_event_is_lost(with_third_party: Path, tmp_path: Path) -> None:
    requirements.ebpf()
    (tmp_path / "rules.yaml").write_text(
        "- rule: Marker\n  desc: A marker is opened.\n"
        "  condition: evt.type = openat and fd.name startswith /mozu-marker-\n"
        "  output: marker %fd.name\n  priority: NOTICE\n"
    )
    (tmp_path / "mozu.yaml").write_text(
        "enrichers: []\nevaluators: [falco: {rules: [rules.yaml]}]\nsinks: [sleepy]\nstop_deadline: 1\n"
    )
    actor = "import os,sys\nfor n in range(5000):\n  try: os.open(f'/mozu-marker-{n}', 0)\n  except OSError: pass\n"
    with subprocess.Popen(
        [with_third_party / "mozu", "run", "-c", "mozu.yaml", "--stats", "stats.json"],
        cwd=tmp_path,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if "watching" in line:
                break
        for _ in range(2):  # the first alerts put the sink to sleep, the others arrive meanwhile
            subprocess.run([with_third_party / "python", "-c", actor], check=True)
        process.terminate()
        log += process.stderr.readlines()
    assert process.returncode == 0, "".join(log)
    statistics = json.loads((tmp_path / "stats.json").read_text())
    counts = statistics["sources"]["syscalls"]["types"]["openat"]
    assert (counts["lost"], counts["missed"]) == (0, 0)
    assert statistics["sinks"]["sleepy"]["accepted"] == 10_000 + 2  # mozu started, mozu stopped
    assert "sink sleepy: accepted" in "".join(log)
