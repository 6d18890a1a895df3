"""The makers of cgroups, as the owners of a cgroup's directory and those above it show.

A directory of a cgroup belongs to the user who made it (kernel/cgroup/cgroup.c, cgroup_mkdir), and only a privilege can
change that. If root has delegated a part of a hierarchy, its user can make any cgroup below, and version 1 lets the
user rename cgroups: a cgroup that only root can have made has directories of root's all the way.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from mozu.core.common.owners import ROOT, UNKNOWN, controller_of

__all__ = ["ROOT", "UNKNOWN", "CgroupMakers"]



class CgroupMakers:
    """The hierarchies of this machine, as mounted for its first process, otherwise as for mozu itself."""

    def __init__(self, find: Callable[[], dict[str, str]] | None = None) -> None:
        """Set up the look-up. `find` returns subsystem → mount point of its hierarchy."""
        self._find = find or hierarchies
        self._mounted: dict[str, str] = {}

    def of(self, subsystem: str, path: str) -> int:
        """Return the uid of the user that can have made the cgroup: ROOT, a user's, or UNKNOWN if its directory, and
        those above it, cannot be examined."""
        if subsystem not in self._mounted:
            self._mounted = self._find()
        mounted = self._mounted.get(subsystem)
        return UNKNOWN if mounted is None else controller_of(mounted, path.strip("/").split("/"))


def hierarchies() -> dict[str, str]:
    """Return subsystem → the place where its whole hierarchy is mounted; version 2 has the empty name.
    proc_pid_mountinfo(5)."""
    for process, root in (("/proc/1", "/proc/1/root"), ("/proc/self", "")):
        with suppress(OSError):
            os.stat(f"{root}/")  # another process's root takes CAP_SYS_PTRACE
            found = dict(mounted_in(Path(process, "mountinfo").read_text(errors="surrogateescape"), root))
            if found:
                return found
    return {}


def mounted_in(mountinfo: str, root: str) -> Iterator[tuple[str, str]]:
    """Yield (subsystem, the place below `root` where its whole hierarchy is mounted)."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3 or fields[3].strip("/.") or not kind[0].startswith("cgroup"):
            continue  # another file system, or a part of a hierarchy
        place = f"{root}{fields[4]}"
        if kind[0] == "cgroup2":
            yield "", place
        else:
            yield from ((name, place) for name in kind[2].split(",") if name not in ("rw", "ro"))
