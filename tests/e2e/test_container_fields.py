"""The table of docs/operate/containers.md: which field which runtime fills, from its files or by its API alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.containers import build, builder
from mozu.plugins.enrichers.containers.settings import (
    ContainerdSettings,
    ContainersSettings,
    CriSettings,
    DockerSettings,
    PodmanSettings,
)
from tests.plugins.enrichers.actors import event_of, reported, working
from tests.support.containerd import Containerd, containerd
from tests.support.cri import Pods, pods
from tests.support.docker import DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import ROOT

__all__ = ["containerd", "docker", "podman", "pods"]

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

NEED: Final = "enricher:containers"
ARGUMENTS: Final = {"container.label": "app", "k8s.pod.label": "app"}
"""Arguments of fields whose argument is not the index 0."""
KINDS: Final = frozenset({
    "container.engine", "container.healthcheck", "container.is_pod_sandbox", "container.liveness_probe",
    "container.readiness_probe", "fd.hostpath", "proc.is_container_healthcheck", "proc.is_container_liveness_probe",
    "proc.is_container_readiness_probe",
})  # fmt: skip
"""Fields that are not in the table: the runtime that answered, the kind of container and of process, its probes, and
the path on the host of an event's file, which follows from the mounts."""
PAGE: Final = (ROOT / "docs" / "operate" / "containers.md").read_text()
TABLE: Final = PAGE.partition("## Fields and runtimes")[2].partition("\n## ")[0]
FILES, API, NEVER = "files", "API", "–"


def fields() -> Iterator[str]:
    """Yield every field that an enricher of containers fills."""
    for field in builtin_fields(Lookups()):
        if NEED in (field.needs or ()) and field.name not in KINDS:
            yield field.name


def reported_by_table(column: str) -> dict[str, str]:
    """Return field → the table's entry for this runtime."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line[:1] == "|"]
    place = rows[0].index(column)
    return {name: row[place] for row in rows[2:] for name in re.findall("`([^`]+)`", row[0])}


def answers(build: Any, settings: Any, full_id: str, runtime: str) -> dict[str, Any]:
    """Return field → its value, None if unknown."""

    async def main() -> dict[str, Any]:
        event = event_of(full_id, runtime=runtime)
        async with working(build, settings) as enricher:
            await reported(enricher, event)
            readers = enricher.readers()
            wanted = [name for name in fields() if name in readers]
            return {name: readers[name](_argument(name))(event) for name in wanted}

    return run(main())


def _argument(name: str) -> str | None:
    if name == "container.mount" or name.startswith("container.mount."):
        return "0"
    return ARGUMENTS.get(name)


def seen(ask: Callable[[bool], dict[str, Any]]) -> dict[str, str]:
    """Return field → origin of its value. `ask` returns values, with or without the API."""
    alone, both = ask(False), ask(True)
    return {
        name: FILES if alone.get(name) is not None else API if both.get(name) is not None else NEVER
        for name in fields()
    }


def test_docker(docker: DockerEngine, tmp_path: Path) -> None:
    pod = ("name", "namespace", "uid")
    labels = [f"io.kubernetes.pod.{part}=x" for part in pod] + ["io.kubernetes.docker.type=podsandbox", "app=web"]
    options = [word for label in labels for word in ("--label", label)]
    full_id = docker.begin(options=("--volume", "/tmp:/mnt:ro", *options))

    def ask(api: bool) -> dict[str, Any]:
        socket = docker.socket if api else tmp_path / "none.sock"
        settings = DockerSettings(socket=socket, data_root=docker.data_root)
        return answers(builder("docker"), settings, full_id, "docker")

    found = seen(ask)
    docker.remove(full_id)
    assert found == reported_by_table("docker")


def test_pods_of_containerd(pods: Pods, tmp_path: Path) -> None:
    sandbox = pods.pod("table", labels={"app": "web"}, annotations={"note": "x"})
    full_id = pods.container(sandbox, "box", labels={"app": "web"}, mounts={"/tmp": "/mnt"})

    def ask(api: bool) -> dict[str, Any]:
        socket = pods.server.socket if api else tmp_path / "none.sock"
        settings = ContainersSettings(
            docker=None,
            podman=None,
            containerd=ContainerdSettings(socket=socket, state=pods.server.state, root=pods.server.root / "root"),
            cri=CriSettings(sockets=(socket,)),
        )
        return answers(build, settings, full_id, "containerd")

    found = seen(ask)
    pods.remove(sandbox)
    assert found == reported_by_table("containerd: pods (CRI)")


def test_containerd_without_pods(containerd: Containerd, tmp_path: Path) -> None:
    mount = "type=bind,src=/tmp,dst=/mnt,options=rbind:ro"
    containerd.begin("table", "--label", "app=web", "--mount", mount)

    def ask(api: bool) -> dict[str, Any]:
        socket = containerd.socket if api else tmp_path / "none.sock"
        settings = ContainerdSettings(socket=socket, state=containerd.state, root=containerd.root / "root")
        return answers(builder("containerd"), settings, "table", "containerd")

    found = seen(ask)
    containerd.remove("table")
    assert found == reported_by_table("containerd: ctr, nerdctl")


def test_podman(podman: Podman) -> None:
    full_id = podman.begin("--label", "app=web", "--volume", "/tmp:/mnt:ro")
    settings = PodmanSettings(storage=(str(podman.storage),))
    found = seen(lambda api: answers(builder("podman"), settings, full_id, "podman"))
    podman.remove(full_id)
    assert found == reported_by_table("podman")
