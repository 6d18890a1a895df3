"""Control of a cgroup of processes: list, freeze, thaw, kill.

Version 2 has cgroup.freeze and cgroup.kill (Linux 5.2 and 5.14; Documentation/admin-guide/cgroup-v2.rst), version 1 the
hierarchy `freezer` with freezer.state (cgroup-v1/freezer-subsystem.rst).
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from mozu.core.common.own_cgroup import CGROUPS

_MOST: Final = 100_000
"""The most processes that are listed."""


class ControlledCgroup(msgspec.Struct, frozen=True):
    """A directory below /sys/fs/cgroup, never a root."""

    directory: Path

    def pids(self) -> Iterator[int]:
        """Yield the pid of every process in the cgroup and below it."""
        found = 0
        for folder, _, files in os.walk(self.directory):
            if "cgroup.procs" not in files:
                continue
            with contextlib.suppress(OSError):  # it was removed meanwhile, or has threads only
                for line in (Path(folder) / "cgroup.procs").read_text().split():
                    found += 1
                    if found > _MOST:
                        return
                    yield int(line)

    def freeze(self) -> None:
        """Stop all processes of the cgroup. Raises OSError."""
        self._write({"cgroup.freeze": "1", "freezer.state": "FROZEN"})

    def thaw(self) -> None:
        """Let the processes continue; a cgroup that is gone has none. Raises OSError."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._write({"cgroup.freeze": "0", "freezer.state": "THAWED"})

    def is_frozen(self) -> bool:
        """Return True if the cgroup is frozen, or being frozen."""
        for file, values in (("cgroup.freeze", ("1",)), ("freezer.state", ("FROZEN", "FREEZING"))):
            with contextlib.suppress(OSError):
                return (self.directory / file).read_text().strip() in values
        return False

    def kill(self) -> bool:
        """Kill all processes, and processes that they make meanwhile; return False if the kernel cannot do so in one
        step."""
        file = self.directory / "cgroup.kill"
        if not file.exists():
            return False
        file.write_text("1")
        return True

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a process of this cgroup, which is frozen, so that its pid stays its own. An ended process
        is ignored."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                if pid in self.pids():
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)

    def _write(self, values: Mapping[str, str]) -> None:
        for file, value in values.items():
            if (self.directory / file).exists():
                (self.directory / file).write_text(value)
                return
        raise FileNotFoundError(f"{self.directory} has neither cgroup.freeze nor freezer.state")


def cgroups_of(pid: int, proc: Path = Path("/proc")) -> tuple[tuple[str, str], ...]:
    """Return (subsystem, path) pairs of a process; the unified hierarchy has the empty subsystem. cgroups(7)."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return ()
    split = (line.split(":", 2) for line in lines if line.count(":") >= 2)
    return tuple((name, path) for _, names, path in split for name in names.split(","))


def controlled_cgroup(
    cgroups: Iterable[tuple[str, str]], container: str = "", root: Path = CGROUPS
) -> ControlledCgroup | None:
    """Return the cgroup of a process, or of its container if that id is given, that can be frozen; None if there is
    none, or only a root, which holds everything."""
    paths = dict(cgroups)
    # In a hybrid setup the unified hierarchy lies below `unified`, and containers may be in version 1 alone.
    for name, place in (("", root), ("", root / "unified"), ("freezer", root / "freezer"), ("pids", root / "pids")):
        path = _below(paths.get(name, "/"), container)
        directory = place / path.lstrip("/")
        if path != "/" and (directory / "cgroup.procs").exists():
            return ControlledCgroup(directory)
    return None


def _below(path: str, container: str) -> str:
    """Return the path up to the component that names the container; `/` if none does, or the path leads out of the
    hierarchy."""
    parts = PurePosixPath(path).parts
    if ".." in parts:
        return "/"
    if not container:
        return path or "/"
    for number, part in enumerate(parts):
        if container in part:
            return str(PurePosixPath(*parts[: number + 1]))
    return "/"
