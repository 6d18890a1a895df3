"""Queries of docs/integrate/sequences.md find the acts that they describe among real ones, and none that are merely
similar."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import pytest

from tests.docs.sequences import RULES, SEQUENCES, VIEW, Sequence
from tests.support.acts.recording import record
from tests.support.replaying import encoded
from tests.support.requirements import ROOT, root
from tests.support.running import Json

RECORDED: Final = ROOT / "tests/data/acts/sequences.jsonl.gz"
_ACT: Final = re.compile(r"/acts/(\w+)/")


class Events:
    """The alerts of a replay in DuckDB, in the page's form."""

    def __init__(self, recording: Path, folder: Path) -> None:
        alerts = encoded(recording, RULES, folder, "ecs")["ecs"]
        (folder / "alerts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in alerts))
        self.database = duckdb.connect()
        self.database.execute(VIEW.replace("alerts.jsonl", str(folder / "alerts.jsonl")))
        self.acts = {entity: act for alert in alerts for entity, act in _acts(alert)}

    def found(self, sequence: Sequence) -> list[str]:
        """Return the acts of the processes that the query names."""
        return sorted({self.acts[entity] for _, entity, *_ in self.database.execute(sequence.query).fetchall()})


def _acts(alert: Json) -> Iterator[tuple[str, str]]:
    """Yield the identities of processes, each with its act, known by the working directory."""
    process = alert["process"]
    act = _ACT.search(process.get("working_directory", ""))
    if act is not None:
        yield process["entity_id"], act[1]
        yield process["parent"]["entity_id"], act[1]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Events:
    return Events(RECORDED, tmp_path_factory.mktemp("sequences"))


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.act)
def test_a_query_finds_its_act_and_none_that_comes_near(sequence: Sequence, events: Events) -> None:
    assert [sequence.act] == events.found(sequence)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.act)
def test_acts_that_come_near_are_in_the_recording(sequence: Sequence, events: Events) -> None:
    assert {sequence.act, *sequence.near} <= set(events.acts.values())


@pytest.mark.live
def test_the_acts_are_found_when_they_are_done_again(tmp_path: Path) -> None:
    root("namespaces")
    record("sequences", tmp_path / "again.jsonl.gz")
    again = Events(tmp_path / "again.jsonl.gz", tmp_path)
    assert [[one.act] for one in SEQUENCES] == [again.found(one) for one in SEQUENCES]
