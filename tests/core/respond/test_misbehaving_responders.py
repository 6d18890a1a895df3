"""A responder that raises, hangs, holds the event loop or gives descriptors away harms its own act only."""

import asyncio
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Incident, Process, ResponsePlan, ResponseTarget
from mozu.core.respond import lasting_acts, responses
from tests.core.respond.test_responses import Noting, Staged, alert_of, event_of, process, stages

__all__ = ["process"]

PLENTY = 600.0


def respond(stage: Staged, process: Process, *idents: str) -> None:
    async def main() -> None:
        for ident in idents:
            await asyncio.wait_for(stage.respond(alert_of(ident), event_of(process)), PLENTY)

    asyncio.run(main())


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "ACT_SECONDS", 0.2)
    monkeypatch.setattr(lasting_acts, "ACT_SECONDS", 0.2)


class Exiting(Noting):
    def plan(self, incident: Incident) -> ResponsePlan | None:
        if incident.alert.id == "a":
            raise SystemExit(3)
        return super().plan(incident)


class Wrong(Noting):
    def plan(self, incident: Incident) -> Any:
        return "kill everything" if incident.alert.id == "a" else super().plan(incident)


@pytest.mark.parametrize("component", [Exiting(), Wrong()])
def test_a_plan_that_is_none_is_refused_and_the_next_one_is_done(
    tmp_path: Path, process: Process, component: Noting
) -> None:
    stage = Staged(tmp_path, component)
    respond(stage, process, "a", "b")
    assert stages(tmp_path) == ["refused", "planned", "done"]
    assert "could not plan" in str(stage.notices[0]["text"])
    stage.responses.close()


class Hanging(Noting):
    """A responder that waits for ever, or holds the event loop, in every second act."""

    def __init__(self, *, holds_loop: bool) -> None:
        super().__init__(lasts=True)
        self._holds_loop = holds_loop

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        if incident.alert.id == "a":
            if self._holds_loop:
                time.sleep(PLENTY)  # noqa: ASYNC251  a responder that must be broken off
            await asyncio.Event().wait()
        await super().act(incident, plan, targets)


@pytest.mark.usefixtures("hasty")
def test_an_act_that_does_not_end_is_given_up_undone_and_reported(tmp_path: Path, process: Process) -> None:
    component = Hanging(holds_loop=False)
    stage = Staged(tmp_path, component)
    respond(stage, process, "a", "b")
    assert stages(tmp_path) == ["planned", "failed", "planned", "done"]
    assert [what for what, _ in component.done] == ["undo", "act"]
    assert "did not end within" in str(stage.notices[0]["text"])
    stage.responses.close()


@pytest.mark.usefixtures("hasty")
def test_an_act_that_holds_the_event_loop_is_broken_off(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Hanging(holds_loop=True))
    respond(stage, process, "a")
    assert stages(tmp_path) == ["planned", "failed"]
    stage.responses.close()


def test_a_responder_that_has_held_the_event_loop_is_left_out_for_a_while(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting())
    stage.responses.responders[0].isolated.suspend()
    respond(stage, process, "a")
    assert stages(tmp_path) == ["refused"]
    assert "is left out for a while" in str(stage.notices[0]["text"])
    stage.responses.close()


def test_one_that_could_not_be_started_does_nothing(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting())
    stage.responses.responders[0].isolated.is_ready = False
    respond(stage, process, "a")
    assert (stage.component.done, stages(tmp_path)) == ([], ["refused"])
    stage.responses.close()


class Keeping(Noting):
    """A responder that keeps its targets, to send signals at any time."""

    kept: Sequence[ResponseTarget] = ()

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        self.kept = list(targets)


def test_targets_that_a_responder_keeps_reach_no_process_after_its_act(tmp_path: Path, process: Process) -> None:
    component = Keeping()
    stage = Staged(tmp_path, component)
    respond(stage, process, "a")
    (target,) = component.kept
    with pytest.raises(OSError, match="Bad file descriptor"):
        target.signal(9)
    assert Path(f"/proc/{process.pid}").exists()
    stage.responses.close()


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    eaten = []
    try:
        while True:
            try:
                eaten.append(os.dup(0))
            except OSError:
                break
        yield
    finally:
        for descriptor in eaten:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_where_no_descriptor_is_free_nothing_is_done_and_mozu_goes_on(tmp_path: Path, process: Process) -> None:
    async def main() -> None:
        with no_descriptor_left():
            await stage.respond(alert_of("a"), event_of(process))
        await stage.respond(alert_of("b"), event_of(process))

    stage = Staged(tmp_path, Noting())
    asyncio.run(main())
    assert stages(tmp_path) == ["refused", "planned", "done"]
    assert "Too many open files" in str(stage.notices[0]["text"])
    stage.responses.close()


def test_a_name_that_cannot_be_read_ends_in_a_refusal(tmp_path: Path, process: Process) -> None:
    def fails(event: object) -> Any:
        raise ValueError("an enricher's reader")

    stage = Staged(tmp_path, Noting())
    stage.responses._check = fails  # type: ignore[assignment, method-assign]  # what no setting makes fail
    respond(stage, process, "a")
    assert (stage.component.done, stages(tmp_path)) == ([], ["refused"])
    stage.responses.close()
