"""Ten attacks under mozu's own rules as they run by default: the alerts that come, and that each has the data for a
responder's next step without a second query.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest

from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run
from tests.support.stage import Boxes, Stage, boxes, rules_amid_builds, stage
from tests.support.triggers import Contained
from tests.support.triggers.scenarios import SCENARIOS, Scenario

__all__ = ["boxes", "docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

WHO: Final = (
    "evt.type", "proc.name", "proc.cmdline", "proc.exepath", "proc.cwd", "proc.pid", "proc.ppid", "proc.pname",
    "proc.pcmdline", "proc.aname[2]", "user.name", "user.uid", "user.loginuid", "container.id", "container.name",
)  # fmt: skip
"""Fields without which the next step needs a search."""


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    options = [word for path in rules_amid_builds(folder) for word in ("-r", str(path))]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}"]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    with mozu_run(folder, *options) as running:
        yield running
        running.stop()


def _is_of_it(alert: Json, rule: str, folder: str, box: str) -> bool:
    """Return True if the alert belongs to the scenario: folders of the test are in the command lines of the host's
    acts, or in those of their parents.
    """
    fields = alert["output_fields"]
    if box:
        return bool(alert["rule"] == rule and fields["container.name"] == box)
    return bool(alert["rule"] == rule and fields["container.id"] == "host" and folder in str(fields))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_alert_has_what_the_next_step_needs(scenario: Scenario, mozu: Running, stage: Stage, boxes: Boxes) -> None:
    act, before, box = scenario.act, len(mozu.alerts), ""
    if isinstance(act, Contained):
        before, box = boxes.act(act), act.box
    else:
        stage.act(act)
    for rule in (act.rule, *scenario.others):
        alert = mozu.wait_alert(
            partial(_is_of_it, rule=rule, folder=stage.words["TMP"], box=box), f"{rule}: {scenario.name}", after=before
        )
        fields = alert["output_fields"]
        needed = (*WHO, *(scenario.subject if rule == act.rule else ()))
        assert [name for name in needed if fields.get(name) in (None, "", "<NA>")] == [], (rule, alert["output"])
        assert alert["rule_id"], rule
        assert alert["next"], rule
        if box:
            repository, _, tag = IMAGE.rpartition(":")
            image = fields["container.image.repository"], fields["container.image.tag"]
            assert image == (repository, tag)
