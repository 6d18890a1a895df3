"""Entry points of other distributions, read from their metadata; nothing is imported."""

import importlib.metadata
from collections.abc import Mapping

from mozu.core.runtime.plugin_checks import Origin


def entry_points(group: str) -> Mapping[str, list[Origin]]:
    """Return the entry points of a group by name; several distributions may have one of the same name."""
    found: dict[str, list[Origin]] = {}
    for point in importlib.metadata.entry_points(group=group):
        origin = Origin(point.name, point.value, *_distribution(point))
        if origin not in found.setdefault(point.name, []):
            found[point.name].append(origin)
    return found


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("an unknown distribution", "")
