"""Containers of docker, containerd and podman are paused, resumed and killed by their engines, whose state agrees."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.containerd import Containerd, containerd
from tests.support.docker import DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import ebpf
from tests.support.responding import configured, in_containers, undo
from tests.support.running import PATIENCE, Running, mozu_run

__all__ = ["containerd", "docker", "podman"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

ACTS: Final = ("pause", "kill_container")


def script(act: str) -> tuple[str, ...]:
    return ("sh", "-c", f"sleep 1000 & cat /mozu-{act}; sleep 1000")


@contextmanager
def acting(folder: Path, settings: dict[str, object]) -> Iterator[Running]:
    ebpf()
    responders = [{act: {"dry_run": False, **settings}} for act in ACTS]
    config = configured(folder, in_containers(ACTS), responders, output="%container.id", enrichers=[])
    with mozu_run(folder, "-c", str(config)) as running:
        yield running
        running.stop()


def taken(running: Running, act: str, after: int) -> str:
    """Return the next act of this responder."""
    reported = ("Response taken", "Response failed", "Response refused")
    found: Any = running.wait_alert(
        lambda one: one["rule"] in reported and one["output_fields"].get("responder") == act, act, after=after
    )
    assert found["rule"] == "Response taken", found["output"]
    return f"{found['output_fields']['alert']}/{act}"


def until(state: Callable[[], str], wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := state()) != wanted:
        assert time.monotonic() < deadline, f"{found} and not {wanted}"


def paused_and_resumed(
    folder: Path, running: Running, begin: Callable[[], Callable[[], str]], words: tuple[str, str]
) -> Callable[[], str]:
    """Pause and resume a container. `begin` begins it, and returns a function for its engine's status. `words`: the
    status of a running and of a paused container.
    """
    before = len(running.alerts)
    state = begin()
    act = taken(running, "pause", before)
    assert state() == words[1]
    undo(folder, act)
    assert state() == words[0]
    return state


def test_of_docker_which_does_not_start_again_what_was_killed(tmp_path: Path, docker: DockerEngine) -> None:
    made: list[str] = []

    def state() -> str:
        return docker.docker("inspect", "--format", "{{.State.Status}}", made[-1])

    def begin(act: str) -> Callable[[], str]:
        made.append(docker.begin(*script(act), options=("--restart", "always")))
        return state

    with acting(tmp_path, {"docker": str(docker.socket)}) as running:
        paused_and_resumed(tmp_path, running, lambda: begin("pause"), ("running", "paused"))
        before = len(running.alerts)
        begin("kill_container")
        taken(running, "kill_container", before)
        until(state, "exited")
        assert docker.docker("inspect", "--format", "{{.RestartCount}}", made[-1]) == "0"
    docker.remove(*made)


def test_what_an_operator_has_resumed_needs_no_undoing(tmp_path: Path, docker: DockerEngine) -> None:
    with acting(tmp_path, {"docker": str(docker.socket)}) as running:
        made = docker.begin(*script("pause"))
        act = taken(running, "pause", 0)
        docker.docker("unpause", made)
        undo(tmp_path, act)
        assert docker.docker("inspect", "--format", "{{.State.Status}}", made) == "running"
    docker.remove(made)


def test_of_podman(tmp_path: Path, podman: Podman) -> None:
    made: list[str] = []

    def state() -> str:
        return podman.podman("inspect", "--format", "{{.State.Status}}", made[-1])

    def begin(act: str) -> Callable[[], str]:
        made.append(podman.begin(command=script(act)))
        return state

    command = [
        "podman", "--root", str(podman.storage), "--runroot", str(podman.root / "run"), "--runtime", "runc",
        "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs",
    ]  # fmt: skip
    with acting(tmp_path, {"podman": command}) as running:
        paused_and_resumed(tmp_path, running, lambda: begin("pause"), ("running", "paused"))
        before = len(running.alerts)
        begin("kill_container")
        taken(running, "kill_container", before)
        until(state, "exited")
    podman.remove(*made)


def test_of_containerd(tmp_path: Path, containerd: Containerd) -> None:
    names: list[str] = []

    def state() -> str:
        rows = (row.split() for row in containerd.ctr("tasks", "ls").splitlines())
        return next((row[2] for row in rows if row[0] == names[-1]), "")

    def begin(act: str) -> Callable[[], str]:
        names.append(f"engine-{act.replace('_', '-')}")
        containerd.begin(names[-1], command=script(act))
        return state

    settings: dict[str, object] = {"containerd": str(containerd.socket), "containerd_state": str(containerd.state)}
    with acting(tmp_path, settings) as running:
        paused_and_resumed(tmp_path, running, lambda: begin("pause"), ("RUNNING", "PAUSED"))
        before = len(running.alerts)
        begin("kill_container")
        taken(running, "kill_container", before)
        until(state, "STOPPED")
    for name in names:
        containerd.remove(name)
