"""The compact form in which numbered names are written down."""

from collections.abc import Mapping


def spread(runs: Mapping[int, str]) -> dict[int, str]:
    """`{7: "CONT KILL"}` → `{7: "CONT", 8: "KILL"}`: each run of consecutive numbers is keyed by its first."""
    return {first + step: name for first, names in runs.items() for step, name in enumerate(names.split())}
