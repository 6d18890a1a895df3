"""Mounts, read from /proc/PID/mountinfo."""

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
    """Return the file that is read in place of every mountinfo."""
    place = tmp_path / "mountinfo"
    monkeypatch.setattr(mounts, "Path", lambda _: place)
    return place


def test_a_mount_has_its_number_its_file_system_what_of_that_it_shows_and_its_place(mountinfo: Path) -> None:
    mountinfo.write_text(INFO)

    assert list(mounts.mounts()) == [
        MountPoint(22, "254:0", "/", "/", "ext4"),
        MountPoint(23, "0:21", "/", "/proc", "proc"),
        MountPoint(40, "254:0", "/etc", "/mnt/a b", "ext4"),
    ]


def test_where_nothing_can_be_read_nothing_is_mounted(mountinfo: Path) -> None:
    assert list(mounts.mounts()) == []
