"""The maker of a cgroup."""

from pathlib import Path

from mozu.core.common.cgroup_makers import ROOT, UNKNOWN, CgroupMakers, mounted_in

MOUNTINFO = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 /../.. /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
80 79 0:32 /docker/abc /var/lib/part rw - cgroup cgroup rw,memory
"""


def test_hierarchies_are_found_by_their_controllers_and_parts_of_one_do_not_count() -> None:
    found = dict(mounted_in(MOUNTINFO, "/proc/1/root"))
    assert {name: place for name, place in found.items() if name != "xattr"} == {
        "cpu": "/proc/1/root/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/proc/1/root/sys/fs/cgroup/cpu,cpuacct",
        "name=systemd": "/proc/1/root/sys/fs/cgroup/systemd",
        "": "/proc/1/root/sys/fs/cgroup/unified",
    }


def test_a_hierarchy_that_is_mounted_nowhere_tells_nothing() -> None:
    assert CgroupMakers(dict).of("memory", "/docker/id") == UNKNOWN


def test_a_hierarchy_that_is_mounted_later_is_found(tmp_path: Path) -> None:
    found: dict[str, str] = {}
    makers = CgroupMakers(lambda: found)
    assert makers.of("memory", "/docker") == UNKNOWN
    found["memory"] = str(tmp_path)
    assert makers.of("memory", "/docker") == ROOT
