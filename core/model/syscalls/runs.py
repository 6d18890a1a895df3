"""The compact notation of numbered names."""

from collections.abc import Mapping


def spread(runs: Mapping[int, str]) -> dict[int, str]:
    """Return `{7: "CONT", 8: "KILL"}` for `{7: "CONT KILL"}`: each run of consecutive numbers is keyed by its first."""
    return {first + step: name for first, names in runs.items() for step, name in enumerate(names.split())}
