"""Remains of killed shims: cgroups, and runc's states of containers, whose names are then taken."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_RUNC: Final = Path("/run/containerd/runc")
"""ROOT/NAMESPACE/ID: directories in which every containerd has runc keep the state of its containers."""


@contextmanager
def without_remains(*parents: str) -> Iterator[None]:
    """Remove the remains that appeared during the block and belong to no running container. `parents` are names of more
    cgroups.

    Does not use `--force`, by which runc would kill containers that other engines of this machine have begun
    meanwhile.
    """
    states, cgroups = set(_RUNC.glob("*/*")), set(_cgroups(parents))
    try:
        yield
    finally:
        for state in set(_RUNC.glob("*/*")) - states:
            subprocess.run(["runc", "--root", state.parent, "delete", state.name], check=False)
        for place in sorted(set(_cgroups(parents)) - cgroups, reverse=True):
            with suppress(OSError):  # the cgroup is in use, or gone
                place.rmdir()


def _cgroups(further: tuple[str, ...]) -> Iterator[Path]:
    for parent in ("default", "docker", "k8s.io", "libpod_parent", *further):
        for place in Path("/sys/fs/cgroup").glob(f"**/{parent}/**"):
            if place.is_dir():
                yield place
