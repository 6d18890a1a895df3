"""The cgroups of a task in each hierarchy, from struct cgroup_path and the paths behind it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf.wire import layouts

_HEAD: Final = layouts()["cgroup_path"].packer
_ROOT: Final = b"/"


def mounted(text: str) -> dict[int, tuple[bytes, ...]]:
    """Return the names of each hierarchy in /proc/self/cgroup by id, in its order: its controllers, a name
    (`name=systemd`), or an empty one for cgroup v2."""
    rows = (line.split(":", 2) for line in text.splitlines())
    return {int(number): tuple(names.encode().split(b",")) for number, names, _ in rows}


class Hierarchies:
    """Hierarchies of this machine; `read` returns /proc/self/cgroup, which is read again for an unknown hierarchy."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._names: dict[int, tuple[bytes, ...]] | None = None
        self.cgroup_list = lru_cache(maxsize=1024)(self._cgroup_list)

    def _cgroup_list(self, block: bytes) -> bytes:
        """Return `subsystem=path` with a NUL after each, as in /proc/PID/cgroup; cgroup v2 has no subsystem."""
        paths = _paths(block)
        if self._names is None or not paths.keys() <= self._names.keys():
            found = mounted(self._read())
            self._names = {number: (b"hierarchy-%d" % number,) for number in paths.keys() - found.keys()} | found
        return b"".join(
            name + b"=" + paths.get(number, _ROOT) + b"\0" for number, names in self._names.items() for name in names
        )


def _paths(block: bytes) -> dict[int, bytes]:
    """Return the path in each hierarchy, by id, in which the task is not at the root."""
    found: dict[int, bytes] = {}
    at, path = 0, _ROOT
    while at < len(block):
        number, length = _HEAD.unpack_from(block, at)
        at += _HEAD.size
        path = block[at : at + length] if length else path
        found[number] = path
        at += length
    return found


cgroup_list: Final = Hierarchies(Path("/proc/self/cgroup").read_text).cgroup_list
"""Function for this machine from the bytes that `append_cgroups` of bpf/cgroups.h appends to `subsystem=path` with a
NUL after each."""
