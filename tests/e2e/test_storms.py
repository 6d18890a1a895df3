"""Storms of containers (`make storms`), short: every alert about a first instruction says whose it is."""

from pathlib import Path

import pytest

from tests.storms.stands import ContainerdStand, CriStand, DockerStand, PodmanStand
from tests.storms.storm import POD, Outcome, silent_socket, storm
from tests.storms.trouble import KINDS, troubled
from tests.support.containerd import Containerd, containerd, own_containerd
from tests.support.cri import Pods, pods
from tests.support.docker import DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import ebpf

__all__ = ["containerd", "docker", "own_containerd", "podman", "pods"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

CONTAINERS, TOGETHER = 20, 10
IDENTITY = ("container.full_id", "container.name")
IMAGE = ("container.image", "container.image.repository", "container.image.tag")


def said(found: Outcome, *needed: str) -> tuple[int, list[dict[str, object]], set[str], int, int]:
    """(alerts, those that say less, containers that none names, those that went at the deadline, lost events)."""
    return len(found.first), found.wrong(*needed), found.missing(), found.held.late, found.lost


COMPLETE: tuple[int, list[dict[str, object]], set[str], int, int] = (CONTAINERS, [], set(), 0, 0)


def test_docker_names_all_of_them(docker: DockerEngine, tmp_path: Path) -> None:
    ebpf()
    stand = DockerStand(docker)
    stand.prepare()
    found = storm(stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="there")
    assert said(found, *IDENTITY, *IMAGE) == COMPLETE
    assert found.foreign == ()


def test_docker_s_files_name_all_of_them_while_the_engine_hangs(docker: DockerEngine, tmp_path: Path) -> None:
    ebpf()
    stand = DockerStand(docker)
    stand.prepare()
    with silent_socket(tmp_path) as path:
        found = storm(stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="silent", socket_path=path)
    assert said(found, *IDENTITY, *IMAGE) == COMPLETE
    assert found.foreign == ()


def test_containerd_names_all_of_them(containerd: Containerd, tmp_path: Path) -> None:
    ebpf()
    stand = ContainerdStand(containerd)
    stand.prepare()
    found = storm(stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="there")
    assert said(found, *IDENTITY, *IMAGE) == COMPLETE
    assert found.foreign == ()


def test_containerd_s_files_name_all_of_them_while_it_hangs(containerd: Containerd, tmp_path: Path) -> None:
    ebpf()
    stand = ContainerdStand(containerd)
    stand.prepare()
    with silent_socket(tmp_path) as path:
        found = storm(stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="silent", socket_path=path)
    assert said(found, *IDENTITY, *IMAGE) == COMPLETE
    assert found.foreign == ()


@pytest.mark.parametrize("silent", [False, True], ids=["there", "hangs"])
def test_pods_are_named_with_namespace_and_labels(pods: Pods, tmp_path: Path, silent: bool) -> None:
    """Whether CRI answers or not: containerd's database has the labels of pods."""
    ebpf()
    stand = CriStand(pods)
    stand.prepare()
    with silent_socket(tmp_path) as path:
        found = storm(
            stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="hangs" if silent else "there",
            socket_path=path if silent else None,
        )  # fmt: skip
    stand.remove()
    assert said(found, *IDENTITY, *IMAGE, *POD) == COMPLETE
    assert found.foreign == ()


def test_podman_names_all_of_them(podman: Podman, tmp_path: Path) -> None:
    ebpf()
    stand = PodmanStand(podman)
    stand.prepare()
    found = storm(stand, tmp_path, containers=CONTAINERS, together=TOGETHER, prefix="there")
    assert said(found, *IDENTITY, *IMAGE) == COMPLETE
    assert found.foreign == ()


def test_a_containerd_that_is_killed_and_restarted_and_loses_its_socket_is_known_again(
    own_containerd: Containerd, tmp_path: Path
) -> None:
    """In the storm: whatever ran to its end is named, nothing is said of the image that is allowed."""
    ebpf()
    stand = ContainerdStand(own_containerd)
    stand.prepare()
    needed = (*IDENTITY, *IMAGE)
    found = troubled(
        stand, tmp_path, containers=2 * CONTAINERS, together=CONTAINERS // 4, troubles=len(KINDS), needed=needed
    )
    assert (set(), [], ()) == (found.storm.missing(), found.storm.wrong(*needed), found.storm.foreign)
    assert list(KINDS) == [one.kind for one in found.recoveries]
