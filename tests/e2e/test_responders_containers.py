"""Containers of every runtime are frozen, thawed and killed, by their cgroups: no engine is asked."""

import json
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from mozu.core.common.cgroup_control import ControlledCgroup
from tests.support.containerd import Containerd, containerd
from tests.support.docker import DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import ebpf
from tests.support.responding import configured, in_containers, undo
from tests.support.running import PATIENCE, Json, Running, mozu_run

__all__ = ["containerd", "docker", "podman"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

Begin = Callable[[str, str], None]
"""Function from (name, script of a shell) that begins a container to run it."""
ACTS: Final = ("freeze", "kill")
SCRIPT: Final = "sleep 1000 & cat /mozu-{act}; sleep 1000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("responding")


@pytest.fixture(scope="module")
def acting(folder: Path) -> Iterator[Running]:
    ebpf()
    responders = [{act: {"what": "container", "dry_run": False}} for act in ACTS]
    config = configured(folder, in_containers(ACTS), responders, output="%container.id", enrichers=[])
    with mozu_run(folder, "-c", str(config)) as running:
        yield running
        running.stop()


def taken(acting: Running, folder: Path, act: str, after: int) -> tuple[str, Json]:
    """Return the next act of this responder, and its entry in the audit log."""
    notice: Json = acting.wait_alert(
        lambda one: one["rule"] == "Response taken" and one["output_fields"]["responder"] == act, act, after=after
    )
    ident = f"{notice['output_fields']['alert']}/{act}"
    lines = (folder / "state/responses/audit.jsonl").read_text().splitlines()
    (entry,) = (one for line in lines if (one := json.loads(line))["act"] == ident and one["stage"] == "done")
    return ident, entry


def acted_on(acting: Running, folder: Path, begin: Begin, runtime: str) -> None:
    before = len(acting.alerts)
    begin(f"{runtime}-freeze", SCRIPT.format(act="freeze"))
    ident, entry = taken(acting, folder, "freeze", before)
    cgroup = ControlledCgroup(Path(entry["detail"]["cgroup"]))
    assert len(entry["pids"]) >= 2
    assert cgroup.is_frozen()
    undo(folder, ident)
    assert not cgroup.is_frozen()
    before = len(acting.alerts)
    begin(f"{runtime}-kill", SCRIPT.format(act="kill"))
    _, entry = taken(acting, folder, "kill", before)
    ended = [os.pidfd_open(pid) for pid in entry["pids"] if Path(f"/proc/{pid}").exists()]
    for descriptor in ended:
        assert has_ended(descriptor)
        os.close(descriptor)


def has_ended(descriptor: int) -> bool:
    """Return True if the process of the pidfd has ended: the descriptor is readable then."""
    return bool(select.select([descriptor], [], [], PATIENCE)[0])


def test_of_docker(acting: Running, folder: Path, docker: DockerEngine) -> None:
    made: list[str] = []

    def begin(name: str, script: str) -> None:
        made.append(docker.begin("sh", "-c", script, options=("--name", name)))

    acted_on(acting, folder, begin, "docker")
    docker.remove(*made)


def test_of_podman(acting: Running, folder: Path, podman: Podman) -> None:
    made: list[str] = []

    def begin(name: str, script: str) -> None:
        made.append(podman.begin("--name", name, command=("sh", "-c", script)))

    acted_on(acting, folder, begin, "podman")
    podman.remove(*made)


def test_of_containerd(acting: Running, folder: Path, containerd: Containerd) -> None:
    acted_on(acting, folder, lambda name, script: containerd.begin(name, command=("sh", "-c", script)), "containerd")
    for act in ACTS:
        containerd.remove(f"containerd-{act}")
