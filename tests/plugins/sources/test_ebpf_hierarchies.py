"""Cgroups as the kernel's programs append them, and as /proc shows them."""

import struct

from mozu.plugins.sources.ebpf.decode.processes import Hierarchies

PROC = "9:name=systemd:/\n4:cpu,cpuacct:/\n2:memory:/\n0::/\n"


def block(*cgroups: tuple[int, bytes]) -> bytes:
    """Return the block of cgroups: (id of the hierarchy, path, empty if it is the same as the one before)."""
    return b"".join(struct.pack("<HH", number, len(path)) + path for number, path in cgroups)


def test_every_hierarchy_has_a_path_the_root_where_none_is_reported() -> None:
    reported = Hierarchies(lambda: PROC).cgroup_list(block((2, b"/docker/a"), (0, b"/unified")))

    assert reported == b"name=systemd=/\0cpu=/\0cpuacct=/\0memory=/docker/a\0=/unified\0"


def test_a_path_that_is_reported_once_is_that_of_all_behind_it() -> None:
    reported = Hierarchies(lambda: PROC).cgroup_list(block((9, b"/lxc/a"), (4, b""), (2, b"/lxc/b"), (0, b"")))

    assert reported == b"name=systemd=/lxc/a\0cpu=/lxc/a\0cpuacct=/lxc/a\0memory=/lxc/b\0=/lxc/b\0"


def test_a_hierarchy_that_is_mounted_later_is_read_when_it_is_met() -> None:
    texts = iter((PROC, f"11:pids:/\n{PROC}"))
    hierarchies = Hierarchies(lambda: next(texts))

    assert b"pids" not in hierarchies.cgroup_list(block((2, b"/a")))
    assert hierarchies.cgroup_list(block((11, b"/docker/b"))).startswith(b"pids=/docker/b\0")


def test_a_hierarchy_that_proc_does_not_show_counts_all_the_same() -> None:
    reported = Hierarchies(lambda: PROC).cgroup_list(block((12, b"/docker/b")))

    assert reported.startswith(b"hierarchy-12=/docker/b\0")
