"""`kill_container` has the engine kill the container that the alert is about."""

import asyncio

import pytest

from mozu.core.testing import check_declaration, context
from mozu.plugins.responders.container_engines import mozu_components
from mozu.plugins.responders.container_engines.responder import EngineSettings, KillContainerResponder
from tests.plugins.responders.engines import Engine, Target, of_runtime


@pytest.mark.parametrize(("pid", "asked"), [(7, ["kill"]), (8, [])])
def test_no_other_container_is_killed(monkeypatch: pytest.MonkeyPatch, pid: int, asked: list[str]) -> None:
    engine = Engine(pid)
    made = KillContainerResponder(EngineSettings(), context("kill_container"))
    monkeypatch.setattr(made, "control", engine.control)
    plan = made.plan(of_runtime("docker"))
    assert plan is not None
    assert not plan.lasts
    act = made.act(of_runtime("docker"), plan, [Target(7)])
    if asked:
        asyncio.run(act)
    else:
        with pytest.raises(RuntimeError):
            asyncio.run(act)
    assert engine.asked == asked


def test_it_keeps_the_contract() -> None:
    declared = next(one for one in mozu_components() if one.name == "kill_container")
    asyncio.run(check_declaration(declared))
