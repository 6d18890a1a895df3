"""Sources on whose alerts no responder acts are named; a source may both wait and be acted on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from mozu import (
    AcksBatches,
    Alert,
    Context,
    Counts,
    DataEvent,
    DataEventType,
    Demand,
    Event,
    Incident,
    Responder,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    Settings,
    SourceDeclaration,
)
from mozu.testing import MozuRun, run_mozu

RULE = """
- rule: Knock
  desc: Someone knocks.
  condition: evt.type = knock
  output: "knock"
  priority: NOTICE
  source: door
  mozu: {respond: bell}
"""


class Door(AcksBatches):
    """A source that can wait, and acknowledges."""

    acknowledged: ClassVar[list[int]] = []

    def __init__(self, settings: Settings, context: Context) -> None:
        pass

    async def start(self, demand: Demand) -> None:
        pass

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        yield [DataEvent("door", "knock", 1_700_000_000_000_000_000, data={})]

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        Door.acknowledged.append(len(batch))

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        pass


class Bell(Responder):
    rung: ClassVar[list[str]] = []

    def __init__(self, settings: ResponderSettings, context: Context) -> None:
        pass

    async def start(self) -> None:
        pass

    def plan(self, incident: Incident) -> ResponsePlan | None:
        return ResponsePlan(text="ring the bell", scope=Scope.NONE)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        Bell.rung.append(incident.alert.rule)

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        pass

    async def stop(self) -> None:
        pass


def run(tmp_path: Path, *, acted_on: bool, live: bool = False) -> MozuRun:
    Door.acknowledged, Bell.rung = [], []
    (tmp_path / "rules.yaml").write_text(RULE)
    source = SourceDeclaration(
        name="door", build=Door, settings=Settings, summary="Knocks.", event_source="door", live=live, ends=True,
        acted_on=acted_on, events=(DataEventType(name="knock", doc="Someone knocks."),),
    )  # fmt: skip
    bell = ResponderDeclaration(name="bell", build=Bell, settings=ResponderSettings, summary="Rings.")
    configuration = {
        "sources": ["door"],
        "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}],
        "responders": [{"bell": {"dry_run": False}}],
    }
    return run_mozu(configuration, declarations=[source, bell])


def test_a_source_can_both_acknowledge_and_be_acted_on(tmp_path: Path) -> None:
    run(tmp_path, acted_on=True)
    assert (Bell.rung, Door.acknowledged) == (["Knock"], [1])


def test_a_source_that_is_not_acted_on_is_named_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(tmp_path, acted_on=False)
    said = [one.getMessage() for one in caplog.records if "responders act on no alert" in one.getMessage()]
    assert (Bell.rung, len(said)) == ([], 1)
    assert "of source door: the source door is not live" in said[0]
    caplog.clear()
    run(tmp_path, acted_on=True)
    assert not [one for one in caplog.records if "responders act on no alert" in one.getMessage()]
