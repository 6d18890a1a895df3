"""Commands that a runtime runs in a container: health checks and probes of real runtimes are no `exec`."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pytest

from tests.support.cri import Pods, pods
from tests.support.docker import DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run

__all__ = ["docker", "podman", "pods"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

PLACE: Final = "/mozu-entered"
"""Prefix of paths that do not exist: PLACE-NAME."""
FLAGS: Final = tuple(f"proc.is_container_{what}" for what in ("healthcheck", "liveness_probe", "readiness_probe"))
RULE: Final = f"""
- rule: Entered
  desc: A file of this test is opened in a container.
  condition: evt.type = openat and fd.name startswith {PLACE} and container.id != host
  output: "%fd.name %container.name %k8s.pod.name {" ".join(f"%{flag}" for flag in FLAGS)}"
  priority: NOTICE
"""
MANIFEST: Final = "kubectl.kubernetes.io/last-applied-configuration"


def opening(name: str) -> tuple[str, ...]:
    """Return a command that opens PLACE-name and succeeds."""
    return ("sh", "-c", f"cat {PLACE}-{name}; true")


@pytest.fixture(scope="module")
def mozu(
    docker: DockerEngine, podman: Podman, pods: Pods, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Yield a run that watches all runtimes."""
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    (folder / "rules.yaml").write_text(RULE)
    server = pods.server
    enricher = {
        "docker": {"socket": str(docker.socket), "data_root": str(docker.data_root)},
        "podman": {"storage": [str(podman.storage)]},
        "containerd": {"socket": str(server.socket), "state": str(server.state), "root": str(server.root / "root")},
        "cri": {"sockets": [str(server.socket)]},
    }
    options = ("-o", f"enrichers={json.dumps([{'containers': enricher}])}")
    with mozu_run(folder, "-r", str(folder / "rules.yaml"), *options) as running:
        yield running
        running.stop()


def opened(mozu: Running, name: str) -> Json:
    """Return the fields of the alert about PLACE-name."""
    place = f"{PLACE}-{name}"
    alert = mozu.wait_alert(lambda one: one["output_fields"].get("fd.name") == place, f"{place} is opened")
    fields: Json = alert["output_fields"]
    return fields


def kinds(fields: Json) -> list[str]:
    """Return the flags of FLAGS that are true; a probe that no manifest names is unknown, hence not true."""
    return [flag.removeprefix("proc.is_container_") for flag in FLAGS if fields[flag]]


def test_docker_s_health_check_and_not_an_exec(mozu: Running, docker: DockerEngine) -> None:
    check = ("--health-cmd", opening("docker-check")[-1], "--health-interval", "1s")
    full_id = docker.begin(options=("--name", "checked", *check))
    docker.docker("exec", full_id, *opening("docker-exec"))
    check_reported, exec_reported = opened(mozu, "docker-check"), opened(mozu, "docker-exec")
    docker.remove(full_id)
    assert ["checked", "checked"] == [one["container.name"] for one in (check_reported, exec_reported)]
    assert (["healthcheck"], []) == (kinds(check_reported), kinds(exec_reported))


def test_podman_s_health_check_and_not_an_exec(mozu: Running, podman: Podman) -> None:
    """Podman without systemd runs a health check only by its command."""
    check = ("--health-cmd", opening("podman-check")[-1], "--health-interval", "disable")
    full_id = podman.begin("--name", "checked", *check)
    podman.podman("exec", full_id, *opening("podman-exec"))
    podman.podman("healthcheck", "run", full_id)
    check_reported, exec_reported = opened(mozu, "podman-check"), opened(mozu, "podman-exec")
    podman.remove(full_id)
    assert ["checked", "checked"] == [one["container.name"] for one in (check_reported, exec_reported)]
    assert (["healthcheck"], []) == (kinds(check_reported), kinds(exec_reported))


def test_probes_of_a_pod_and_not_an_exec_nor_an_init_container(mozu: Running, pods: Pods) -> None:
    """ExecSync is the kubelet's call for a probe; another ExecSync stands for `kubectl exec`, which streams."""
    probes = {f"{what}Probe": {"exec": {"command": opening(f"pod-{what}")}} for what in ("liveness", "readiness")}
    manifest = json.dumps({"spec": {"containers": [{"name": "main", **probes}]}})
    sandbox = pods.pod("probed", annotations={MANIFEST: manifest})
    init = pods.container(sandbox, "init", *opening("pod-init"))
    pods.ended(init)
    main = pods.container(sandbox, "main")
    for name in ("pod-liveness", "pod-readiness", "pod-exec"):
        pods.exec(main, *opening(name))
    reported = {name: opened(mozu, f"pod-{name}") for name in ("init", "liveness", "readiness", "exec")}
    with suppress(AssertionError):
        pods.remove_container(init)
    pods.remove(sandbox)
    assert [("init", "probed"), *[("main", "probed")] * 3] == [
        (one["container.name"], one["k8s.pod.name"]) for one in reported.values()
    ]
    assert [[], ["liveness_probe"], ["readiness_probe"], []] == list(map(kinds, reported.values()))
