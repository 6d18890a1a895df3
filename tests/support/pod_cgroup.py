"""A process in a private cgroup: that of a pod, as the kubelet's driver cgroupfs makes it, without a kubelet."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.support.requirements import require

_ROOTS: Final = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
"""Root of the memory controller's hierarchy in v1, and root of v2."""
_ID: Final = f"{os.getpid():064x}"
"""Id of a container, of this run alone."""


@contextmanager
def cgroup(*names: str) -> Iterator[Path]:
    """Yield the directory of a cgroup below the root. Remove it with the processes left in it, and then the parents
    that are empty."""
    require(os.geteuid() == 0, "making cgroups needs root")
    root = next(one for one in _ROOTS if (one / "cgroup.procs").exists())
    place = root.joinpath(*names)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        for pid in (place / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        for one in (place, *place.parents[: len(names) - 1]):
            _remove(one)


def pod_cgroup(uid: str) -> AbstractContextManager[Path]:
    """Return the context of a container's cgroup in a pod."""
    return cgroup("kubepods", "burstable", f"pod{uid}", _ID)


def run_in(place: Path, *command: str) -> None:
    """Run a program to its end, from its first instruction within the cgroup; its exit status is ignored."""
    script = 'echo $$ > "$0"/cgroup.procs && exec "$@"'
    subprocess.run(["sh", "-c", script, place, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _remove(place: Path) -> None:
    """Remove a cgroup, which is possible once its processes have ended; other tests may use the parents."""
    for _ in range(100):
        try:
            place.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            if any(one.is_dir() for one in place.iterdir()):
                return
            time.sleep(0.01)  # the kernel empties a cgroup a moment after its last process has ended
