"""Mozu's own rules at the highest level on live system calls: each act, each alert, on the host and in a container."""

import os
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.containerd import Containerd, containerd
from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run
from tests.support.stage import Boxes, Stage, boxes, differences, rules_amid_builds, stage
from tests.support.triggers import Contained, Trigger, kernel_lacks
from tests.support.triggers.own import CONTAINED, HOST
from tests.support.triggers.ways import CTR_BOX, WAYS, marker, numbers, scripts
from tests.support.triggers.ways.way import CONTAINERD, DOCKER
from tests.support.triggers.ways.way import HOST as ON_HOST

__all__ = ["boxes", "containerd", "docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

_SETTINGS: Final = ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]")


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, containerd: Containerd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    options += [argument for setting in _SETTINGS for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}"]
    for name, path in (("state", containerd.state), ("root", containerd.root / "root"), ("socket", containerd.socket)):
        options += ["-o", f"enrichers.containers.containerd.{name}={path}"]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    with mozu_run(folder, *options) as running:
        yield running
        running.stop()


def _require(trigger: Trigger | Contained) -> None:
    if kernel_lacks(trigger.call):
        pytest.skip(f"this kernel was built without {trigger.call}")


@pytest.mark.parametrize("trigger", HOST, ids=lambda trigger: f"{trigger.rule} by {trigger.by}")
def test_on_the_host(trigger: Trigger, mozu: Running, stage: Stage) -> None:
    _require(trigger)
    before = len(mozu.alerts)
    stage.act(trigger)
    expected = {"proc.name": trigger.by, "container.id": "host", **trigger.fields}
    mozu.wait_alert(
        lambda a: a["rule"] == trigger.rule and not differences(a, expected, stage),
        f"{trigger.rule} by {trigger.by} with {dict(trigger.fields)}",
        after=before,
    )


@pytest.mark.parametrize("trigger", CONTAINED, ids=lambda trigger: trigger.rule)
def test_in_a_container(trigger: Contained, mozu: Running, boxes: Boxes) -> None:
    _require(trigger)
    before = boxes.act(trigger)
    repository = IMAGE.rsplit(":", 1)[0]
    told = {"proc.name": trigger.by, "container.name": trigger.box, "container.image.repository": repository}
    mozu.wait_alert(
        lambda a: a["rule"] == trigger.rule and not differences(a, {**told, **trigger.fields}),
        f"{trigger.rule} by {trigger.by}",
        after=before,
    )


def _ways(where: str) -> pytest.MarkDecorator:
    there = numbers(where)
    return pytest.mark.parametrize("number", there, ids=[f"{WAYS[at].end} by {WAYS[at].by}" for at in there])


@pytest.fixture(scope="module")
def ways_on_the_host(mozu: Running, stage: Stage) -> int:
    before = len(mozu.alerts)
    stage.run_ways()
    return before


@pytest.fixture(scope="module")
def ways_in_a_container(mozu: Running, boxes: Boxes) -> int:
    return boxes.run_ways()


@pytest.fixture(scope="module")
def ways_under_containerd(mozu: Running, containerd: Containerd) -> Iterator[int]:
    before = len(mozu.alerts)
    containerd.begin("mozu-ways", *CTR_BOX)
    for number, script in enumerate(scripts(os.path.realpath(sys.executable), CONTAINERD)):
        containerd.ctr("tasks", "exec", "--exec-id", f"ways-{number}", "mozu-ways", "sh", "-c", script)
    yield before
    containerd.remove("mozu-ways")


def _wait_way(mozu: Running, number: int, container: str, before: int) -> None:
    way, mark = WAYS[number], marker(number)

    def is_of_it(alert: Json) -> bool:
        fields = alert["output_fields"]
        lines = f"{fields.get('proc.cmdline')} {fields.get('proc.pcmdline')}"
        fits = alert["rule"] in way.rules and (not way.calls or fields["evt.type"] in way.calls)
        return fits and mark in lines and fields.get("container.name") == container

    mozu.wait_alert(is_of_it, f"{way.end} by {way.by} ({mark}) in {container}", after=before)


@_ways(ON_HOST)
def test_by_whichever_way_on_the_host(number: int, mozu: Running, ways_on_the_host: int) -> None:
    _wait_way(mozu, number, "host", ways_on_the_host)


@_ways(DOCKER)
def test_by_whichever_way_in_a_container(number: int, mozu: Running, ways_in_a_container: int) -> None:
    _wait_way(mozu, number, "tools", ways_in_a_container)


@_ways(CONTAINERD)
def test_by_whichever_way_in_a_container_of_containerd(number: int, mozu: Running, ways_under_containerd: int) -> None:
    _wait_way(mozu, number, "mozu-ways", ways_under_containerd)


def test_nothing_was_lost(mozu: Running) -> None:
    assert mozu.process.poll() is None
    assert [] == [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]
