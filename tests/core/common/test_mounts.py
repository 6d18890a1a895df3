"""What is mounted where, from /proc/PID/mountinfo."""

from pathlib import Path

import pytest

from mozu.core.common import mounts
from mozu.core.common.mounts import MountPoint

INFO = """22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
40 22 254:0 /etc /mnt/a\\040b rw shared:1 - ext4 /dev/vda rw
"""


@pytest.fixture
def mountinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is read in place of every mountinfo."""
    place = tmp_path / "mountinfo"
    monkeypatch.setattr(mounts, "Path", lambda _: place)
    return place


def test_a_mount_has_its_number_its_place_and_what_of_the_file_system_it_shows(mountinfo: Path) -> None:
    mountinfo.write_text(INFO)

    assert list(mounts.mounts()) == [
        MountPoint(22, "/", "/"), MountPoint(23, "/", "/proc"), MountPoint(40, "/etc", "/mnt/a b"),
    ]  # fmt: skip


@pytest.mark.parametrize(("shown", "below"), [("/", False), ("/@", True)])
def test_the_root_may_be_mounted_from_below_the_root_of_its_file_system(
    mountinfo: Path, shown: str, below: bool
) -> None:
    mountinfo.write_text(INFO.replace("254:0 / /", f"254:0 {shown} /"))

    assert mounts.root_is_below() is below


def test_where_nothing_can_be_read_nothing_is_mounted(mountinfo: Path) -> None:
    assert list(mounts.mounts()) == []
    assert not mounts.root_is_below()
