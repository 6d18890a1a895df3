"""Mozu's own rules as they run by default, and every way to the same end: on the host, in containers of docker and of
containerd each raises the rules that docs/rules/ways.md names.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.ways import PAGE, done, is_of, reported, watching
from tests.support.containerd import Containerd, containerd
from tests.support.docker import DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.running import Json, Running
from tests.support.triggers.ways import WAYS
from tests.support.triggers.ways.way import PLACES

__all__ = ["containerd", "docker"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]
REPORTED: Final = reported(PAGE.read_text())
CASES: Final = [(number, place) for place in PLACES for number in range(len(WAYS))]


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, containerd: Containerd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Yield the run under which every way was tried."""
    ebpf()
    folder = tmp_path_factory.mktemp("ways")
    with watching(folder, docker, containerd) as running, done(docker, containerd, folder):
        yield running
        running.stop()


@pytest.mark.parametrize(
    ("number", "place"), CASES, ids=[f"{place}: {WAYS[at].end} by {WAYS[at].by}" for at, place in CASES]
)
def test_each_way_raises_what_the_page_tells(number: int, place: str, mozu: Running) -> None:
    names = {entry.id: entry.name for entry in registered()}
    way = WAYS[number]

    def is_of_it(alert: Json, rule: str) -> bool:
        return alert["rule"] == rule and is_of(alert, number, place)

    for rule in REPORTED[way.end, way.by][place]:
        mozu.wait_alert(partial(is_of_it, rule=names[rule]), f"{rule} of {way.end} by {way.by} ({place})")


def test_nothing_was_lost(mozu: Running) -> None:
    assert mozu.process.poll() is None
    assert [] == [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]
