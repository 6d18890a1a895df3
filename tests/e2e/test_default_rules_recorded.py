"""Acts that are recorded while mozu's own rules judge them, in containers, and on the host if ptrace does not see them:
the replay of the recording raises the same alerts, with the same data about their containers.
"""

from functools import partial
from typing import Final, NamedTuple

import pytest

from tests.detect.traced import UNSEEN
from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.replaying import comparable, replayed
from tests.support.requirements import ebpf
from tests.support.running import Json, mozu_run
from tests.support.stage import Boxes, Stage, differences, rules_amid_builds, stage
from tests.support.triggers import Contained, Trigger, kernel_lacks
from tests.support.triggers.own import HOST
from tests.support.triggers.own_contained import CONTAINED

__all__ = ["docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]
ACTS: Final = [trigger for trigger in CONTAINED if not kernel_lacks(trigger.call)]
ON_HOST: Final = [trigger for trigger in HOST if trigger.rule in UNSEEN]
_SETTINGS: Final = ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]")


class Recorded(NamedTuple):
    """Alerts of the acts by id, live and replayed."""

    live: dict[str, Json]
    replayed: dict[str, Json]


@pytest.fixture(scope="module")
def recorded(docker: DockerEngine, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    ebpf()
    folder = tmp_path_factory.mktemp("recorded")
    recording = folder / "live.jsonl.gz"
    rules = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    rules += [argument for setting in _SETTINGS for argument in ("-o", f"evaluators.falco.{setting}")]
    options = ["--record", str(recording), "-o", f"enrichers.containers.docker.socket={docker.socket}"]
    options += ["-o", "enrichment_buffer.seconds=60", "-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    with mozu_run(folder, *rules, *options) as mozu:
        boxes = Boxes(docker, mozu, folder)
        for trigger in ACTS:
            before = boxes.act(trigger)
            mozu.wait_alert(partial(_is_of, trigger), f"{trigger.rule} by {trigger.by}", after=before)
        for on_host in ON_HOST:
            before = len(mozu.alerts)
            stage.act(on_host)
            mozu.wait_alert(partial(_is_of, on_host), on_host.rule, after=before)
        mozu.stop()
        boxes.close()
    both = (comparable(mozu.alerts), comparable(replayed(recording, None, *rules)))
    return Recorded(*({uuid: one for uuid, one in alerts.items() if _is_of_the_test(one)} for alerts in both))


def _is_of_the_test(alert: Json) -> bool:
    """Return False for other containers on the machine, which belong to engines that are not asked."""
    place = alert["output_fields"].get("container.name")
    return place in {trigger.box for trigger in ACTS} or (place == "host" and alert["rule"] in UNSEEN)


def _is_of(trigger: Trigger | Contained, alert: Json) -> bool:
    if isinstance(trigger, Trigger):
        return (alert["rule"], alert["output_fields"]["proc.name"]) == (trigger.rule, trigger.by)
    repository, _, tag = IMAGE.rpartition(":")
    image = {"container.image.repository": repository, "container.image.tag": tag}
    expected = {"proc.name": trigger.by, "container.name": trigger.box, **image, **trigger.fields}
    return bool(alert["rule"] == trigger.rule) and not differences(alert, expected)


def test_the_replay_raises_the_same_alerts(recorded: Recorded) -> None:
    assert recorded.live == recorded.replayed


@pytest.mark.parametrize("trigger", [*ACTS, *ON_HOST], ids=lambda trigger: trigger.rule)
def test_each_act_is_seen_in_the_replay(trigger: Trigger | Contained, recorded: Recorded) -> None:
    assert any(_is_of(trigger, alert) for alert in recorded.replayed.values())
