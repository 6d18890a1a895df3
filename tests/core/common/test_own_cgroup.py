"""The memory that mozu's cgroup allows: the lowest limit of its ancestors, in either cgroup version."""

from pathlib import Path

import pytest

from mozu.core.common.own_cgroup import memory_limit, own_cgroup


class Machine:
    """A machine whose /proc/self/cgroup and /sys/fs/cgroup are written by a test."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.proc, self.root = folder / "cgroup", folder / "fs"
        self.root.mkdir()
        self.proc.write_text("".join(f"{line}\n" for line in lines))

    def limit(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def found(self) -> int | None:
        return memory_limit(self.proc, self.root)


def test_the_least_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "0::/system.slice/mozu.service")
    machine.limit("system.slice/mozu.service/memory.max", "max")
    machine.limit("system.slice/memory.max", "300000000")
    machine.limit("memory.max", "400000000")

    assert 300_000_000 == machine.found()


def test_without_any_limit_there_is_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "0::/a")
    machine.limit("a/memory.max", "max")

    assert None is machine.found()
    assert None is memory_limit(tmp_path / "nothing", machine.root)


def test_version_1_writes_the_greatest_number_where_there_is_no_limit(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "4:memory:/docker/x", "0::/")
    machine.limit("memory/docker/x/memory.limit_in_bytes", "9223372036854771712")
    assert None is machine.found()

    machine.limit("memory/docker/x/memory.limit_in_bytes", "268435456")
    assert 268_435_456 == machine.found()


def test_a_container_sees_its_own_cgroup_at_the_root_of_the_mount(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "0::/docker/of-the-host")
    machine.limit("memory.max", "100000000")

    assert 100_000_000 == machine.found()


@pytest.mark.parametrize("mount", ["", "unified"])
def test_the_directory_is_that_of_version_2(tmp_path: Path, mount: str) -> None:
    machine = Machine(tmp_path, "4:memory:/b", "0::/a")
    machine.limit(str(Path(mount) / "cgroup.controllers"), "")
    assert machine.root / mount / "a" == own_cgroup(machine.proc, machine.root)


def test_a_directory_that_is_no_cgroup_is_not_taken_for_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "4:memory:/b", "0::/a")
    machine.limit("memory/b/memory.limit_in_bytes", "268435456")
    assert None is own_cgroup(machine.proc, machine.root)
