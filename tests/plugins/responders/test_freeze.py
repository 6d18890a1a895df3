"""`freeze` writes the values that version 1 and version 2 of cgroups require."""

import asyncio
from pathlib import Path

import pytest

from mozu.core.api import AlertProcess, Container, Incident, ResponsePlan
from mozu.core.common import cgroup_control
from mozu.core.testing import alert, check_declaration, context
from mozu.plugins.responders.freeze import FreezeResponder, FreezeSettings, mozu_components

IDENT = "ab" * 32


def cgroup(folder: Path, file: str, value: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").write_text("")
    (folder / file).write_text(value)
    return folder


@pytest.mark.parametrize(
    ("name", "place", "file", "values"),
    [
        ("", "docker", "cgroup.freeze", ("0", "1")),
        ("", "unified/docker", "cgroup.freeze", ("0", "1")),
        ("freezer", "freezer/docker", "freezer.state", ("THAWED", "FROZEN")),
    ],
)
def test_a_container_is_frozen_and_thawed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str, file: str, values: tuple[str, str]
) -> None:
    folder = cgroup(tmp_path / place / IDENT, file, values[0])
    monkeypatch.setattr(cgroup_control.controlled_cgroup, "__defaults__", ("", tmp_path))
    process = AlertProcess(7, container=Container(IDENT, "docker"), cgroups=((name, f"/docker/{IDENT}/below"),))
    responder = FreezeResponder(FreezeSettings(), context("freeze"))
    incident = Incident(alert(), process)
    plan = responder.plan(incident)
    assert plan is not None
    assert plan.detail == {"cgroup": str(folder)}
    asyncio.run(responder.act(incident, plan, []))
    assert (folder / file).read_text() == values[1]
    asyncio.run(responder.undo(plan.detail, []))
    assert (folder / file).read_text() == values[0]


def test_a_process_of_no_container_is_not_frozen_and_a_root_never_is() -> None:
    process = AlertProcess(1 << 22, cgroups=(("", "/"), ("freezer", "/")))
    for what in ("container", "cgroup"):
        settings = FreezeSettings.model_validate({"what": what})
        assert FreezeResponder(settings, context("freeze")).plan(Incident(alert(), process)) is None


def test_undo_of_a_cgroup_that_is_gone_is_nothing(tmp_path: Path) -> None:
    responder = FreezeResponder(FreezeSettings(), context("freeze"))
    plan = ResponsePlan(text="freeze", detail={"cgroup": str(tmp_path)})
    with pytest.raises(FileNotFoundError):
        asyncio.run(responder.act(Incident(alert()), plan, []))
    asyncio.run(responder.undo({"cgroup": str(tmp_path / "gone")}, []))


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components()))
