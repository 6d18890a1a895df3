"""The cgroup chosen for an act is never a root, and holds nothing besides the container."""

import os
from pathlib import Path

import pytest

from mozu.core.common.cgroup_control import ControlledCgroup, cgroups_of, controlled_cgroup

IDENT = "ab" * 32


def made(folder: Path, *pids: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
    return folder


def test_processes_below_a_cgroup_are_its_own(tmp_path: Path) -> None:
    made(tmp_path / "a", 1, 2)
    made(tmp_path / "a/b", 3)
    assert sorted(ControlledCgroup(tmp_path / "a").pids()) == [1, 2, 3]
    assert list(ControlledCgroup(tmp_path / "gone").pids()) == []


@pytest.mark.parametrize("path", ["/", "", "/../etc", f"/a/../{IDENT}"])
def test_a_root_and_a_path_that_leads_out_are_no_cgroup(tmp_path: Path, path: str) -> None:
    made(tmp_path)
    made(tmp_path / IDENT)
    assert controlled_cgroup((("", path),), root=tmp_path) is None
    assert controlled_cgroup((("", path),), IDENT, tmp_path) is None


def test_a_container_s_cgroup_ends_where_it_is_named(tmp_path: Path) -> None:
    folder = made(tmp_path / "system.slice" / f"docker-{IDENT}.scope")
    made(folder / "init")
    path = f"/system.slice/docker-{IDENT}.scope/init"
    assert controlled_cgroup((("", path),), IDENT, tmp_path) == ControlledCgroup(folder)
    assert controlled_cgroup((("", path),), "cd" * 32, tmp_path) is None


def test_kill_is_asked_of_the_kernel_where_it_can(tmp_path: Path) -> None:
    folder = made(tmp_path / "a")
    assert not ControlledCgroup(folder).kill()
    (folder / "cgroup.kill").write_text("")
    assert ControlledCgroup(folder).kill()
    assert (folder / "cgroup.kill").read_text() == "1"


def test_without_a_freezer_nothing_is_frozen(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither cgroup\.freeze nor freezer\.state"):
        ControlledCgroup(made(tmp_path / "a")).freeze()


def test_the_cgroups_of_a_process() -> None:
    found = dict(cgroups_of(os.getpid()))
    assert found
    assert all(path.startswith("/") for path in found.values())
    assert cgroups_of(1 << 22) == ()
