"""Mozu's own rules at the highest level on live system calls: each act, each alert, on the host and in a container."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.running import Running, mozu_run
from tests.support.stage import Boxes, Stage, boxes, differences, rules_amid_builds, stage
from tests.support.triggers import Contained, Trigger, kernel_lacks
from tests.support.triggers.own import HOST
from tests.support.triggers.own_contained import CONTAINED

__all__ = ["boxes", "docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

_SETTINGS: Final = ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]")


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    options += [argument for setting in _SETTINGS for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}"]
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
    reported = {"proc.name": trigger.by, "container.name": trigger.box, "container.image.repository": repository}
    mozu.wait_alert(
        lambda a: a["rule"] == trigger.rule and not differences(a, {**reported, **trigger.fields}),
        f"{trigger.rule} by {trigger.by}",
        after=before,
    )


def test_nothing_was_lost(mozu: Running) -> None:
    assert mozu.process.poll() is None
    assert [] == [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]
