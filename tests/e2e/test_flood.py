"""Every loss is counted: a program that knows how many calls it made, and a ring that is far too small for them."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.support.build import compiled
from tests.support.requirements import ebpf
from tests.support.running import Json, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

CALLS = 400_000

RULES = """
- rule: The flood calls
  desc: Nothing else calls this.
  condition: evt.type = userfaultfd
  output: called by %proc.name
  priority: WARNING
"""


class Flood(msgspec.Struct):
    made: int
    alerts: list[Json]
    statistics: Json


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Flood:
    """Return the results of a flood under a mozu with a ring of 64 KiB and a queue of 1 MiB."""
    ebpf()
    folder: Path = tmp_path_factory.mktemp("flood")
    rules, program = folder / "rules.yaml", compiled("flood")
    rules.write_text(RULES)
    small = ("-o", "sources.syscalls.source={ebpf: {ring_size: 65536}}", "-o", "sinks.stdout.queue.bytes=1MiB")
    with mozu_run(folder, *small, "-r", str(rules)) as mozu:
        run = subprocess.run([program, str(CALLS)], check=True, capture_output=True, text=True)
        mozu.wait_alert(lambda alert: alert["rule"] == "Events lost", "an alert that tells of the loss")
        statistics = mozu.stop()
    return Flood(int(run.stdout), [*mozu.lifecycle, *mozu.alerts], statistics)


def test_every_call_is_filtered_lost_missed_or_received(flood: Flood) -> None:
    count = flood.statistics["sources"]["syscalls"]["types"]["userfaultfd"]
    assert flood.made == count["filtered"] + count["lost"] + count["missed"] + count["received"]
    assert flood.made == count["seen"]


def test_the_ring_was_too_small_so_that_the_test_can_fail(flood: Flood) -> None:
    assert flood.statistics["sources"]["syscalls"]["types"]["userfaultfd"]["lost"] > 0


def test_the_alert_stream_tells_of_all_that_was_lost(flood: Flood) -> None:
    reported = sum(alert["output_fields"]["lost"] for alert in flood.alerts if alert["rule"] == "Events lost")
    types = flood.statistics["sources"]["syscalls"]["types"].values()
    assert reported == sum(count["lost"] + (count["missed"] or 0) for count in types)


def test_what_was_received_was_judged_or_served_the_state(flood: Flood) -> None:
    source = flood.statistics["sources"]["syscalls"]
    assert source["received"] == source["evaluated"] + source["internal"] + source["rejected"]
    assert source["rejected"] == 0


def test_every_accepted_alert_was_delivered_or_dropped_and_the_drops_are_reported(flood: Flood) -> None:
    sink = flood.statistics["sinks"]["stdout"]
    assert sink["accepted"] == sink["delivered"] + sum(sink["dropped"].values()) + sink["queued"]
    assert sink["queued"] == 0
    assert sink["delivered"] == len(flood.alerts)


def test_each_received_call_raised_its_alert_or_its_alert_was_counted(flood: Flood) -> None:
    received = flood.statistics["sources"]["syscalls"]["types"]["userfaultfd"]["received"]
    own = sum(alert["rule"] == "The flood calls" for alert in flood.alerts)
    dropped = sum(flood.statistics["sinks"]["stdout"]["dropped"].values())
    assert own <= received <= own + dropped
