"""Lists that the kernel hands out as one text: arguments, environments, cgroups."""

from typing import Final

from mozu.core.caches import cached

Cgroups = tuple[tuple[str, str], ...]

_NAMED: Final = "name="
"""Begins what a hierarchy without a controller is called by."""
_RENAMED: Final = {"perf": "perf_event", "mem": "memory", "io": "blkio"}
"""Names of controllers in the kernel's own structures → their names in /proc."""


def words(value: object) -> tuple[str, ...]:
    """The texts of a NUL-separated list; one NUL at its end is not a text of its own."""
    if not value:
        return ()
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
    return tuple(text.removesuffix("\0").split("\0"))


environment = cached(512)(words)
"""The same of an environment: most processes have their parent's, and share its texts so."""


@cached(1024)
def cgroups(value: bytes | None) -> Cgroups:
    """`subsystem=path` texts as pairs; nothing at all if one of them is none."""
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
