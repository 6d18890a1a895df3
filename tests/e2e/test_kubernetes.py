"""Rules about workloads, under eBPF: processes in the cgroups of pods, against a recorded and a real API server."""

import asyncio
import json
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.enrichers.kubernetes_pods import account
from tests.plugins.enrichers.test_kubernetes_replay import uid_of
from tests.support.cri import Pods, pods
from tests.support.kube_apiserver import kube_apiserver
from tests.support.kube_replay import ReplayedApi, replayed
from tests.support.kube_scenario import NODE, deployed
from tests.support.pod_cgroup import pod_cgroup, run_in
from tests.support.replaying import comparable
from tests.support.replaying import replayed as replay_of
from tests.support.requirements import ebpf
from tests.support.running import Running, mozu_run

__all__ = ["pods"]

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(180)]

PLACE = f"/mozu-{os.getpid()}"
"""Path of a file that does not exist and that no other program on this machine wants to read."""
RULES = [
    {
        "rule": "Opened by the web shop",
        "desc": "A file is opened in a pod of one deployment that a service selects.",
        "condition": f"evt.type in (open, openat) and fd.name = {PLACE} and k8smeta.deployment.name = web"
        " and k8smeta.svc.name intersects (web-front) and k8smeta.ns.label[team] = sales",
        "output": "%k8smeta.pod.name %k8smeta.rs.name %k8smeta.deployment.label[owner] %k8smeta.workload.kind"
        " %k8smeta.svc.name %container.type",
        "priority": "NOTICE",
    },
    {
        "rule": "Opened elsewhere",
        "desc": "The same outside of it.",
        "condition": f"evt.type in (open, openat) and fd.name = {PLACE} and not k8smeta.deployment.name = web"
        " and proc.name = cat",
        "output": "%container.id",
        "priority": "NOTICE",
    },
]
SHOWN = {
    "k8smeta.pod.name": "web-5d8f-x1",
    "k8smeta.rs.name": "web-5d8f",
    "k8smeta.deployment.label[owner]": "sales",
    "k8smeta.workload.kind": "Deployment",
    "k8smeta.svc.name": "(web,web-front)",
    "container.type": "k8s",
}


@contextmanager
def replaying() -> Iterator[tuple[ReplayedApi, asyncio.AbstractEventLoop]]:
    """Yield the recorded server, on a loop of its own."""
    found: queue.SimpleQueue[tuple[ReplayedApi, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        async with replayed() as api:
            ended = asyncio.Event()
            found.put((api, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    api, loop, ended = found.get(timeout=60)
    try:
        yield api, loop
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(60)


def configured(folder: Path, *others: Any, **enricher: Any) -> Path:
    """Write a configuration with the rules of this module and additional enrichers; return its path."""
    (folder / "rules.yaml").write_text(json.dumps(RULES))
    document = {
        "sources": ["ebpf"],
        "enrichers": ["users", *others, {"kubernetes": {"node": NODE, **enricher}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
    }
    path = folder / "mozu.yaml"
    path.write_text(json.dumps(document))
    return path


def check_alert(mozu: Running, place: Path) -> None:
    """Check that a process whose first instruction is in the pod's cgroup raises the alert with all its fields."""
    before = len(mozu.alerts)
    run_in(place, "cat", PLACE)
    alert = mozu.wait_alert(
        lambda one: one["rule"] == "Opened by the web shop", "the pod's file was opened", after=before
    )
    shown = alert["output_fields"]
    assert {name: _text(shown[name]) for name in SHOWN} == SHOWN
    assert [one["rule"] for one in mozu.alerts[before:] if one["source"] == "syscall"] == ["Opened by the web shop"]


def _text(value: Any) -> Any:
    return f"({','.join(value)})" if isinstance(value, list) else value


def test_a_rule_on_a_deployment_is_raised_by_a_process_of_its_pod(tmp_path: Path) -> None:
    """A replay of its recording raises the same alert, without a server."""
    ebpf()
    recording = tmp_path / "events.jsonl.gz"
    with replaying() as (api, _):
        api.reach("deployed")
        config = configured(tmp_path, server=api.url, service_account=str(account(tmp_path)))
        options = ("-c", str(config), "--record", str(recording))
        with pod_cgroup(uid_of(api, "web-5d8f-x1")) as place, mozu_run(tmp_path, *options) as mozu:
            check_alert(mozu, place)
            statistics = mozu.stop()
    assert comparable(mozu.alerts) == comparable(replay_of(recording, tmp_path / "rules.yaml"))
    objects = {
        one["labels"]["resource"]: one["value"]
        for one in statistics["metrics"]
        if one["name"] == "kubernetes_objects" and one["value"]
    }
    assert objects == {"pods": 1, "services": 4, "namespaces": 1, "replicasets": 1, "deployments": 1}


def test_an_event_of_a_pod_that_is_not_known_yet_is_held_until_it_is(tmp_path: Path) -> None:
    """The watch reports the pod only after its process has acted; the event is judged once, with all fields."""
    ebpf()
    with replaying() as (api, loop):
        config = configured(tmp_path, server=api.url, service_account=str(account(tmp_path)), timeout=20)
        options = ("-c", str(config), "-o", "enrichment_buffer.seconds=20")
        with pod_cgroup(uid_of(api, "web-5d8f-x1")) as place, mozu_run(tmp_path, *options) as mozu:
            late = threading.Timer(1.0, loop.call_soon_threadsafe, (api.reach, "deployed"))
            late.start()
            check_alert(mozu, place)
            late.join()
            statistics = mozu.stop()
    held = {one["name"]: one["value"] for one in statistics["metrics"] if one["name"].startswith("enrichment_buffer_")}
    assert held["enrichment_buffer_events_total"] >= 1
    assert held["enrichment_buffer_timeouts_total"] == 0


def test_the_same_with_a_real_server(tmp_path: Path) -> None:
    ebpf()
    (tmp_path / "server").mkdir()
    with kube_apiserver(tmp_path / "server") as server:
        uid = deployed(server)["metadata"]["uid"]
        config = configured(tmp_path, server=server.url, service_account=str(server.account()))
        with pod_cgroup(uid) as place, mozu_run(tmp_path, "-c", str(config)) as mozu:
            check_alert(mozu, place)
            mozu.stop()


def check_container(folder: Path, pods: Pods, uid: str, **api: Any) -> None:
    """Check a container of a real pod: its runtime supplies the pod's uid and the API the rest, before a rule looks."""
    server = pods.server
    place = {"state": str(server.state), "root": str(server.root / "root"), "socket": str(server.socket)}
    runtimes = {"docker": None, "podman": None, "containerd": place, "cri": {"sockets": [str(server.socket)]}}
    config = configured(folder, {"containers": runtimes}, **api)
    sandbox = pods.pod("web-5d8f-x1", uid=uid)
    with mozu_run(folder, "-c", str(config)) as mozu:
        pods.container(sandbox, "main", "cat", PLACE)
        alert = mozu.wait_alert(lambda one: one["rule"] == "Opened by the web shop", "the file was opened")
        mozu.stop()
    pods.remove(sandbox)
    shown = {name: _text(alert["output_fields"][name]) for name in SHOWN}
    assert shown == {**SHOWN, "container.type": "containerd"}
    assert alert["output_fields"]["container.state"] == "known"
    assert not [one for one in mozu.alerts if one["rule"] == "Opened elsewhere"]


@pytest.mark.docker
def test_a_container_of_a_real_pod_is_in_its_workload(tmp_path: Path, pods: Pods) -> None:
    ebpf()
    with replaying() as (api, _):
        api.reach("deployed")
        account_of = str(account(tmp_path))
        check_container(tmp_path, pods, uid_of(api, "web-5d8f-x1"), server=api.url, service_account=account_of)


@pytest.mark.docker
def test_a_container_of_a_real_pod_is_in_the_workload_of_a_real_server(tmp_path: Path, pods: Pods) -> None:
    ebpf()
    (tmp_path / "server").mkdir()
    with kube_apiserver(tmp_path / "server") as server:
        uid = deployed(server)["metadata"]["uid"]
        check_container(tmp_path, pods, uid, server=server.url, service_account=str(server.account()))
