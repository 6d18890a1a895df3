"""Storms of containers (`make storms`), short: every alert about a first instruction names its container. Events are
held for as long as necessary; docs/operate/benchmarks.md has the times on a calm machine.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.storms.stands import ContainerdStand, CriStand, DockerStand, PodmanStand, Stand
from tests.storms.storm import SOCKETS, storm
from tests.storms.trouble import KINDS, troubled
from tests.support.containerd import Containerd, containerd, own_containerd
from tests.support.cri import pods
from tests.support.docker import docker
from tests.support.podman import podman
from tests.support.requirements import ebpf

__all__ = ["containerd", "docker", "own_containerd", "podman", "pods"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

CONTAINERS, TOGETHER = 12, 6
DEADLINE: Final = 30.0
"""Seconds for which events may be held."""
STANDS: Final[dict[str, Callable[[Any], Stand]]] = {
    "docker": DockerStand,
    "containerd": ContainerdStand,
    "pods": CriStand,
    "podman": PodmanStand,
}
"""Name of the runtime's fixture → its stand."""


@pytest.fixture
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """Yield the stand with the image of the storm."""
    ebpf()
    made = STANDS[request.param](request.getfixturevalue(request.param))
    made.prepare()
    yield made
    if isinstance(made, CriStand):
        made.remove()


@pytest.mark.parametrize(
    ("stand", "socket"),
    [("docker", "there"), ("docker", "silent"), ("containerd", "there"), ("containerd", "silent"),
     ("pods", "there"), ("pods", "silent"), ("podman", "there")],
    indirect=["stand"],
)  # fmt: skip
def test_every_alert_says_whose_it_is_and_none_is_about_an_image_that_is_allowed(
    stand: Stand, socket: str, tmp_path: Path
) -> None:
    """Alerts name their containers if the runtime answers, and also if only its files do; for pods also namespaces and
    labels.
    """
    with SOCKETS[socket](tmp_path) as path:
        found = storm(
            stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix=socket, socket_path=path,
            deadline=DEADLINE,
        )  # fmt: skip
    assert ({}, CONTAINERS) == (found.faults(stand), len(found.first))


def test_a_containerd_that_is_killed_and_restarted_and_loses_its_socket_is_known_again(
    own_containerd: Containerd, tmp_path: Path
) -> None:
    """Containers that ran to their end in the storm are named, and no alert is about the image that is allowed."""
    ebpf()
    stand = ContainerdStand(own_containerd)
    stand.prepare()
    found = troubled(
        stand, tmp_path, containers=3 * CONTAINERS, together=TOGETHER, troubles=len(KINDS), deadline=DEADLINE
    )
    assert {} == found.storm.faults(stand)
    assert list(KINDS) == [one.kind for one in found.recoveries]
