"""The cgroup of mozu itself, and the memory that it may take there."""

from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
_UNLIMITED: Final = 1 << 60
"""Number of pages from which a limit means none: version 1 writes the greatest number then."""


def own_cgroup(proc: Path = Path("/proc/self/cgroup"), root: Path = CGROUPS) -> Path | None:
    """Return the directory of mozu's cgroup (version 2); None if there is none. Beside version 1 that hierarchy is in
    `unified`."""
    path = _paths(proc).get("")
    places = (root, root / "unified") if path is not None else ()
    # Every cgroup of version 2 has this file (the kernel's cgroup-v2.rst); a file system in memory accepts any file.
    here = next((place for place in places if (place / "cgroup.controllers").exists()), None)
    return None if here is None or path is None else here / path.lstrip("/")


def memory_limit(proc: Path = Path("/proc/self/cgroup"), root: Path = CGROUPS) -> int | None:
    """Return the least limit, in bytes, of mozu's cgroup and those above, of either version; None if none has one.

    In a cgroup namespace, which containers have, cgroups above the namespace's root are not visible.
    """
    paths = _paths(proc)
    found = [*_limits(root, paths.get(""), "memory.max")]
    found += _limits(root / "memory", paths.get("memory"), "memory.limit_in_bytes")
    return min(found, default=None)


def _paths(proc: Path) -> dict[str, str]:
    """Return controller → path below its hierarchy; version 2 has the empty name. cgroups(7)."""
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return {}
    split = (line.split(":", 2) for line in lines if line.count(":") >= 2)
    return {name: path for _, names, path in split for name in names.split(",")}


def _limits(hierarchy: Path, path: str | None, file: str) -> list[int]:
    if path is None:
        return []
    folder = hierarchy / path.lstrip("/")
    found = []
    for one in (folder, *folder.parents):
        if not one.is_relative_to(hierarchy):
            break
        try:
            text = (one / file).read_text().strip()
        except OSError:  # the root has none; a container may see a path that is not mounted there
            continue
        if text.isdigit() and int(text) < _UNLIMITED:
            found.append(int(text))
    return found
