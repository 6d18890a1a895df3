"""The page on SIEMs: mozu writes what its queries read; test_siem_queries.py runs each of them."""

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.model.alert import Stamp
from mozu.core.runtime.config import load
from mozu.core.testing import alert
from tests.core.flow.making import Taken, alert_pipeline
from tests.core.flow.test_heartbeats import Scene, ten_minutes
from tests.support.requirements import ROOT, program

PAGE = (ROOT / "docs/integrate/siem.md").read_text()
SECTION = PAGE[PAGE.index("## Dead agents") :]
NOW = 1_800_000_000

Json = dict[str, Any]


def record(agent: str, number: int, *, seconds_ago: float = 0, rule: str = "Heartbeat", interval: int = 60) -> Json:
    """Return a record as `format: json` writes it."""
    when = datetime.fromtimestamp(NOW - seconds_ago, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    stamp = {"agent": agent, "sink": "s", "epoch": "e", "sequence": number}
    fields = {"interval": interval} if rule == "Heartbeat" else {}
    source = "internal" if rule == "Heartbeat" else "syscall"
    return {"mozu": stamp, "rule": rule, "source": source, "time": when, "output_fields": fields}


def queries(heading: str, start: str) -> str:
    part = SECTION[SECTION.index(heading) :]
    return next(str(text) for text in re.findall(r"```sh\n(.*?)```", part, re.DOTALL) if text.startswith(start))


def asked(heading: str, records: list[Json], folder: Path) -> str:
    program("jq")
    (folder / "alerts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [{"no": "stamp"}, *records]))
    command = queries(heading, "jq")
    found: subprocess.CompletedProcess[str] = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NOW": str(NOW)},
    )
    return found.stdout


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[0])
    (sink,) = load(path).sinks
    assert 60.0 == sink.heartbeat
    assert yaml.safe_load(path.read_text())


@pytest.mark.live
@pytest.mark.parametrize(
    ("seconds_ago", "interval", "dead"), [(30, 60, False), (179, 60, False), (182, 60, True), (182, 300, False)]
)
def test_an_agent_without_a_heartbeat_for_three_intervals_is_dead(
    tmp_path: Path, seconds_ago: float, interval: int, dead: bool
) -> None:
    records = [
        record("quiet", 1, seconds_ago=seconds_ago + interval, interval=interval),
        record("quiet", 2, seconds_ago=seconds_ago, interval=interval),
        record("quiet", 3, seconds_ago=1, rule="a late alert is no heartbeat"),
        record("lives", 1, seconds_ago=5),
    ]
    found = asked("**Dead agents**", records, tmp_path)
    assert dead == found.startswith("dead quiet s, last heard 20")
    assert "lives" not in found


@pytest.mark.live
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, "a"), (2, "a"), (3, "Heartbeat")], ""),
        ([(1, "a"), (2, "a"), (4, "Heartbeat")], "lost last h s e 3 to 3\n"),
        ([(1, "a"), (4, "Heartbeat"), (5, "Heartbeat")], "lost last h s e 2 to 3\n"),
        ([(1, "a"), (3, "a"), (4, "Heartbeat")], ""),  # a lost number before the last: the other query finds it
        ([(1, "a"), (3, "Heartbeat"), (3, "Heartbeat")], "lost last h s e 2 to 2\n"),  # a record that arrived twice
    ],
)
def test_a_last_alert_that_is_lost_is_found_by_the_heartbeat_after_it(
    tmp_path: Path, rows: list[tuple[int, str]], expected: str
) -> None:
    records = [record("h", number, rule=rule) for number, rule in rows]
    assert expected == asked("**A lost last alert**", records, tmp_path)


@pytest.mark.live
def test_what_mozu_writes_is_what_the_queries_read(tmp_path: Path) -> None:
    scene = Scene()
    beats = scene.play(ten_minutes)
    written = [json.loads(FalcoJson().encode(one.alert, one.stamp)) for one in beats]
    assert [60] * len(written) == [one["output_fields"]["interval"] for one in written]
    for one in written:
        one["time"] = record("", 1, seconds_ago=181 + 60)["time"]
    assert "dead host siem" in asked("**Dead agents**", written, tmp_path)
    del written[3]
    assert "lost last host siem" in asked("**A lost last alert**", written, tmp_path)


def test_a_heartbeat_has_the_fields_that_the_searches_name() -> None:
    taken: Any = Taken()
    taken.put_heartbeat = taken.accept
    from mozu.core.metrics import Metrics
    from mozu.core.model.alert import Severity

    alert_pipeline(taken, metrics=Metrics()).heartbeat(taken, Severity.INFORMATIONAL, "mozu lives", interval=60)
    (beat,) = taken.alerts
    document = json.loads(FalcoJson().encode(beat, Stamp("h", "s", "e", 7)))
    assert ("Heartbeat", 60, 7) == (
        document["rule"], document["output_fields"]["interval"], document["mozu"]["sequence"],
    )  # fmt: skip
    assert alert().rule != "Heartbeat"
