"""A process in a cgroup of one's own: that of a pod, as the kubelet's driver cgroupfs makes it, without a kubelet."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.support.requirements import require

_ROOTS: Final = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
"""Where v1 has the memory controller's hierarchy, and where v2 is."""
_ID: Final = f"{os.getpid():064x}"
"""A container's, of this run alone."""


@contextmanager
def cgroup(*names: str) -> Iterator[Path]:
    """The directory of a cgroup below the root; removed with what is left in it, and those above it that are empty."""
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
    """The directory of a container's cgroup in a pod."""
    return cgroup("kubepods", "burstable", f"pod{uid}", _ID)


def run_in(place: Path, *command: str) -> None:
    """Run a program whose first instruction is in the cgroup already, to its end, whatever that is."""
    script = 'echo $$ > "$0"/cgroup.procs && exec "$@"'
    subprocess.run(["sh", "-c", script, place, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _remove(place: Path) -> None:
    """A cgroup goes once its processes have; other tests may use those above."""
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
