"""A memory limit is kept: by giving back data that can be found out again, and, if that is not enough, by dropping
events, which are counted and reported. Every alert is accounted for.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.storms.bundles import BundleStand
from tests.storms.storm import FIRST, fields_of, watching
from tests.support.build import compiled
from tests.support.reloading import Load
from tests.support.requirements import ebpf, program
from tests.support.running import PATIENCE, Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

MIB: Final = 1 << 20
RULES: Final = """
- rule: Numbered
  desc: Calls that have a number, and a path of three thousand characters of its own.
  condition: evt.type = creat and fd.name contains hit-
  output: "%fd.name by %proc.pname"
  priority: WARNING
- rule: Begun
  desc: Each process of the crowd once, so that the state knows their arguments.
  condition: evt.type = execve and evt.dir = < and proc.name = waiting and proc.args contains never
  output: "%proc.cmdline %proc.aname[2]"
  priority: INFO
"""
LONG: Final = "/".join(["x" * 250] * 12)
"""Path whose folder does not exist: creat fails at once."""
_CONTAINERS, _LABEL = 5000, 8000


def configured(folder: Path, limit: int, sinks: list[Any], **core: Any) -> str:
    """Write a configuration file; return its path."""
    (folder / "rules.yaml").write_text(RULES)
    tree = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {"ring_size": 8 * MIB}}],
        "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": [{"stdout": {"format": "json"}}, *sinks],
        "memory": {"limit": f"{limit}MiB"},
        **core,
    }
    (folder / "mozu.yaml").write_text(yaml.safe_dump(tree))
    return str(folder / "mozu.yaml")


@contextmanager
def crowd(count: int) -> Iterator[None]:
    """Run `count` processes, each with arguments of three thousand characters, which are idle until the block ends."""
    program = str(compiled("waiting"))
    reading, writing = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, reading, 0), (os.POSIX_SPAWN_DUP2, nowhere, 1)]
    members = [
        os.posix_spawn(program, [program, f"{number}".rjust(3000, "y")], {}, file_actions=actions)
        for number in range(count)
    ]
    try:
        yield
    finally:
        os.close(writing)  # its end is theirs
        for pid in members:
            os.waitpid(pid, 0)
        os.close(reading)
        os.close(nowhere)


def numbers(alerts: list[Json]) -> Counter[int]:
    found = (re.search(r"/hit-(\d+)", one["output"]) for one in alerts if one["rule"] == "Numbered")
    return Counter(int(match[1]) for match in found if match)


def peak(run: Running) -> float:
    """Return the most memory that was ever resident, in MiB."""
    text = Path(f"/proc/{run.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) / 1024


def load_for(run: Running, folder: Path, rate: int, every: int, test: Any) -> int:
    """Make numbered calls until the test holds, or patience ends; return how many had a number."""
    load = Load(folder / LONG, rate, every)
    try:
        deadline = time.monotonic() + PATIENCE
        while not test() and time.monotonic() < deadline:
            time.sleep(0.1)  # mozu's own pace: it does not report the events that it reads
        hits, _, _ = load.end()
    finally:
        load.kill()
    return hits


def test_a_crowd_and_a_backlog_of_alerts_stay_below_the_limit(tmp_path: Path) -> None:
    """Processes, a look back, messages for dedup and the read-ahead of a sink that is away together exceed
    the limit.
    """
    ebpf()
    limit = 120
    away = {
        "url": "http://127.0.0.1:9/", "allow_private": True, "batch": "ndjson", "batch_records": 50,
        "spool": {"path": str(tmp_path / "away.db")},
    }  # fmt: skip
    config = configured(
        tmp_path, limit, [{"webhook": away}], alert_limiter={"dedup_seconds": 3600},
        capture={"enabled": True, "before": 600, "path_prefix": str(tmp_path / "capture")},
    )  # fmt: skip
    with mozu_run(tmp_path, "-c", config) as run:
        with crowd(3000):
            hits = load_for(
                run, tmp_path, 4000, 5, lambda: any(one["rule"] == "Memory limit reached" for one in run.alerts)
            )
            more = load_for(run, tmp_path, 1000, 2, lambda: len(numbers(run.alerts)) >= hits)
        reached = run.wait_alert(lambda one: one["rule"] == "Memory limit reached", "what was given back")
        highest = peak(run)
        statistics = run.stop()

    assert highest < limit
    found = numbers(run.alerts)
    assert set(found) == set(range(1, max(hits, more) + 1))
    assert statistics["memory"]["dropped_events"] == statistics["sources"]["ebpf"]["dropped"] == 0
    assert statistics["memory"]["limit"] == limit * MIB
    assert statistics["memory"]["highest"] < limit * MIB
    given = {name for name, count in statistics["memory"]["given_back"].items() if count}
    assert set(reached["output_fields"]["given_back"].split(",")) <= given
    away_counts = statistics["sinks"]["webhook"]
    assert away_counts["accepted"] == away_counts["spooled"] + away_counts["dead_lettered"] + away_counts["queued"]


def test_where_nothing_is_left_to_give_back_events_are_dropped_counted_and_reported(tmp_path: Path) -> None:
    """Alerts that wait in memory for a sink that is away are never given up: they fill the memory here."""
    ebpf()
    limit = 100
    away = {"url": "http://127.0.0.1:9/", "allow_private": True, "queue": {"bytes": 4 << 30}}
    with mozu_run(tmp_path, "-c", configured(tmp_path, limit, [{"webhook": away}])) as run:

        def is_dropping() -> bool:
            return any(one["rule"] == "Events dropped" for one in run.alerts)

        hits = load_for(run, tmp_path, 2000, 2, is_dropping)
        run.wait_alert(lambda one: one["rule"] == "Memory limit exceeded", "that nothing is left")
        highest = peak(run)
        statistics = run.stop()

    source = statistics["sources"]["ebpf"]
    assert source["dropped"] > 0
    assert source["received"] == source["evaluated"] + source["internal"] + source["rejected"] + source["dropped"]
    shown = sum(one["output_fields"]["count"] for one in run.alerts if one["rule"] == "Events dropped")
    assert shown == source["dropped"] == statistics["memory"]["dropped_events"]
    found = numbers(run.alerts)
    assert max(found.values()) == 1
    assert hits - len(found) <= source["dropped"]
    assert highest < limit * 1.2, "what one delivery attempt takes comes on top"


def test_what_is_known_of_thousands_of_containers_is_given_back_and_found_out_again(tmp_path: Path) -> None:
    """Containers have labels of eight thousand characters each; those that run an instruction later are known by their
    names.
    """
    ebpf()
    program("ctr")
    limit, busy = 120, [f"busy-{number}" for number in range(5)]
    stand = BundleStand()
    try:
        stand.prepare()
        for number in range(_CONTAINERS):
            stand.put(f"idle-{number}", {"note": f"{number}".rjust(_LABEL, "z")})
        with watching([stand], tmp_path, None, 30.0, f"memory.limit={limit}MiB") as run:
            reached = run.wait_alert(lambda one: one["rule"] == "Memory limit reached", "what was given back")
            for name in busy:
                stand.run(name)
            run.wait_alert(lambda _: len(fields_of(run, FIRST)) >= len(busy), "the alerts of those that are busy")
            highest = peak(run)
            statistics = run.stop()
            found = fields_of(run, FIRST)
    finally:
        stand.destroy()

    assert busy == sorted(one["container.name"] for one in found), "in an order of each container only"
    assert "enrichers" in reached["output_fields"]["given_back"].split(",")
    assert statistics["memory"]["given_back"]["enrichers"] > 0
    assert statistics["memory"]["dropped_events"] == 0
    assert highest < limit
