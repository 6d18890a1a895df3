"""`pause` calls the engine of the container, and acts on no container but the one that the alert is about."""

import asyncio
from collections.abc import Sequence

import pytest

from mozu.core.api import AlertProcess, Incident, ResponsePlan, Scope
from mozu.core.testing import alert, check_declaration, context
from mozu.plugins.responders.container_engines import mozu_components
from mozu.plugins.responders.container_engines.responder import EngineSettings, PauseResponder
from tests.plugins.responders.engines import IDENT, Engine, Target, of_runtime


def responder(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> PauseResponder:
    made = PauseResponder(EngineSettings(), context("pause"))
    monkeypatch.setattr(made, "control", engine.control)
    return made


def planned(made: PauseResponder) -> ResponsePlan:
    plan = made.plan(of_runtime("docker"))
    assert plan is not None
    return plan


def act(monkeypatch: pytest.MonkeyPatch, engine: Engine, pids: Sequence[int] = (7, 9)) -> None:
    made = responder(monkeypatch, engine)
    asyncio.run(made.act(of_runtime("docker"), planned(made), [Target(pid) for pid in pids]))


def test_the_plan_names_the_container_and_its_engine() -> None:
    plan = PauseResponder(EngineSettings(), context("pause")).plan(of_runtime("docker"))
    assert plan == ResponsePlan(
        text=f"have docker pause container {IDENT[:12]} of process 9 (sh)",
        scope=Scope.CONTAINER,
        detail={"engine": "docker", "container": IDENT},
        lasts=True,
    )


@pytest.mark.parametrize(("runtime", "engine"), [("k8s", "containerd"), ("podman", "podman"), ("lxc", None)])
def test_the_engine_is_that_of_the_runtime(runtime: str, engine: str | None) -> None:
    plan = PauseResponder(EngineSettings(), context("pause")).plan(of_runtime(runtime))
    assert (None if plan is None else plan.detail["engine"]) == engine


def test_a_process_of_no_container_is_left() -> None:
    made = PauseResponder(EngineSettings(), context("pause"))
    assert made.plan(Incident(alert(), AlertProcess(9))) is None
    assert made.plan(Incident(alert())) is None


def test_a_container_of_the_same_id_that_the_alert_is_not_about_is_not_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(pid=8)  # a cgroup named after it, made by the process of the alert, holds 7 and 9
    with pytest.raises(RuntimeError, match="says process 8"):
        act(monkeypatch, engine)
    assert engine.asked == []


def test_a_container_that_has_ended_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProcessLookupError):
        act(monkeypatch, Engine(pid=0))


@pytest.mark.parametrize(
    ("engine", "asked"), [(Engine(), ["pause"]), (Engine(is_paused=True), []), (Engine(refuses=True), ["pause"])]
)
def test_what_is_paused_in_the_end_is_done(monkeypatch: pytest.MonkeyPatch, engine: Engine, asked: list[str]) -> None:
    act(monkeypatch, engine)
    assert engine.asked == asked


@pytest.mark.parametrize(
    ("engine", "asked"), [(Engine(is_paused=True), ["resume"]), (Engine(), []), (Engine(pid=0), [])]
)
def test_undo_resumes_what_is_paused_still(monkeypatch: pytest.MonkeyPatch, engine: Engine, asked: list[str]) -> None:
    made = responder(monkeypatch, engine)
    asyncio.run(made.undo(planned(made).detail, []))
    assert engine.asked == asked


def test_it_keeps_the_contract() -> None:
    declared = next(one for one in mozu_components() if one.name == "pause")
    asyncio.run(check_declaration(declared))
