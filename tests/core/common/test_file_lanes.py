"""Lanes of files of other processes: the device, and the user who controls the process."""

import os
from pathlib import Path

import pytest

from mozu.core.common.file_lanes import file_lanes
from mozu.core.common.subuids import SubordinateIds
from mozu.core.model.event import Claim, Container

PROVEN = Container("a" * 64, "docker")
CLAIMED = Container("b" * 64, "podman", Claim("/user.slice/x", 1000))


@pytest.fixture
def ids(tmp_path: Path) -> SubordinateIds:
    (tmp_path / "passwd").write_text("ann:x:1000:1000::/:/bin/sh\n")
    (tmp_path / "subuid").write_text("ann:100000:65536\n")
    return SubordinateIds(tmp_path / "subuid", tmp_path / "passwd")


@pytest.mark.parametrize(
    ("container", "uid", "account"),
    [
        ("", 0, []),
        ("", 1000, ["user 1000"]),
        ("", 100007, ["user 1000"]),
        (PROVEN.key, 100007, [f"container {PROVEN.full_id}"]),
        (CLAIMED.key, 0, ["user 1000"]),
        (Container("c" * 64, "docker", Claim("/x", 0, PROVEN)).key, 0, [f"container {PROVEN.full_id}"]),
    ],
)
def test_who_answers_for_a_process_has_a_lane(
    ids: SubordinateIds, container: str, uid: int, account: list[str]
) -> None:
    assert account == list(file_lanes([], container, uid, ids))


def test_the_devices_to_which_links_lead_have_one_each(ids: SubordinateIds) -> None:
    device = os.stat("/proc/self/exe").st_dev
    links = ["/proc/self/exe", "/proc/self/exe", "/proc/self/fd/987654"]
    assert [f"device {os.major(device)}:{os.minor(device)}"] == list(file_lanes(links, "", 0, ids))
