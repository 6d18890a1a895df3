"""The list of mozu's own rules that see their acts under ptrace equals the table of docs/rules/detection.md."""

import os

import pytest

from tests.detect.traced import UNSEEN, Traced, traced
from tests.support.replaying import comparable, replayed
from tests.support.requirements import require
from tests.support.stage import Stage, stage
from tests.support.triggers import kernel_lacks
from tests.support.triggers.own import HOST

__all__ = ["stage"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def run(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    require(os.geteuid() == 0, "acts mount and change users, as root")
    return traced(stage, tmp_path_factory.mktemp("traced"))


def test_every_act_of_the_host_is_seen_but_those_that_are_reported_not_to_be(run: Traced) -> None:
    done = {trigger.rule for trigger in HOST if not kernel_lacks(trigger.call)}
    assert done - {alert["rule"] for alert in run.alerts} == UNSEEN.keys()


def test_the_recording_of_them_raises_the_same_alerts(run: Traced) -> None:
    assert comparable(replayed(run.recording, None, "-c", str(run.config))) == comparable(run.alerts)
