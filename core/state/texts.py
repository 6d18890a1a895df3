"""Lists that the kernel hands out as one text: arguments, environments, cgroups."""

from typing import Final

from mozu.core.caches import cached

Cgroups = tuple[tuple[str, str], ...]

_NAMED: Final = "name="
"""Prefix of the name of a hierarchy without a controller."""
_RENAMED: Final = {"perf": "perf_event", "mem": "memory", "io": "blkio"}
"""Name of a controller in the kernel's own structures → its name in /proc."""


def words(value: object) -> tuple[str, ...]:
    """Return the texts of a NUL-separated list; one NUL at its end does not begin another."""
    if not value:
        return ()
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
    return tuple(text.removesuffix("\0").split("\0"))


environment = cached(512)(words)
"""Cached `words`, for environments: most processes have their parent's, and so share its texts."""


@cached(1024)
def cgroups(value: bytes | None) -> Cgroups:
    """Return `subsystem=path` texts as pairs; empty if one of them has no `=`."""
    pairs = []
    for word in words(value):
        named = word.startswith(_NAMED)
        subsystem, equals, path = word.removeprefix(_NAMED).partition("=")
        if not equals:
            return ()
        if named:
            pairs.append((_NAMED + subsystem, path))
            continue
        subsystem = subsystem.removesuffix("_cgroup")
        pairs.append((_RENAMED.get(subsystem, subsystem), path))
    return tuple(pairs)
