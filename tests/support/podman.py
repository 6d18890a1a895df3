"""podman with private storage, which leaves no trace. Needs root, podman, runc and a static busybox."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pytest

from tests.support.docker import IMAGE, PATIENCE, filesystem
from tests.support.requirements import require
from tests.support.split import needs_live

_LIMITS: Final = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
"""Limits of a container; podman's defaults exceed those of a test machine."""


class Podman:
    """A podman with storage below its own directory, without a network and without systemd."""

    def __init__(self) -> None:
        self.root = Path(mkdtemp(prefix="mozu-podman-", dir="/tmp"))
        self.storage = self.root / "storage"

    def podman(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run the command line; return its standard output without the line end."""
        done = subprocess.run(
            [
                *("podman", "--root", self.storage, "--runroot", self.root / "run", "--runtime", "runc"),
                *("--cgroup-manager", "cgroupfs", "--storage-driver", "vfs", *arguments),
            ],
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"podman {' '.join(map(str, arguments))}: {done.stderr.decode()}"
        return done.stdout.decode().rstrip("\n")

    def build(self) -> None:
        """Make the image IMAGE out of a static busybox."""
        self.podman("import", "-", IMAGE, stdin=filesystem())

    def begin(self, *options: str, command: tuple[str, ...] = ("sleep", "1000"), image: str = IMAGE) -> str:
        """Begin a container; return its full id."""
        return self.podman("run", "--detach", "--network", "none", *_LIMITS, *options, image, *command)

    def run(self, *options: str, command: tuple[str, ...], image: str = IMAGE) -> str:
        """Run a container to its end and remove it; return its output."""
        return self.podman("run", "--rm", "--network", "none", *_LIMITS, *options, image, *command)

    def pid(self, container: str) -> int:
        """Return the pid of the first process of a running container."""
        return int(self.podman("inspect", "--format", "{{.State.Pid}}", container))

    def remove(self, *containers: str) -> None:
        """Kill and remove containers."""
        self.podman("rm", "--force", "--time", "0", *containers)

    def destroy(self) -> None:
        """Remove all containers and files."""
        self.podman("rm", "--force", "--all", "--time", "0")
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted((one for one in points if one.startswith(f"{self.root}/")), key=len, reverse=True):
            subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture(scope="session")
@needs_live
def podman() -> Iterator[Podman]:
    """Yield a podman for all tests of a session."""
    require(os.geteuid() == 0, "podman with storage of its own needs root here")
    for name in ("podman", "runc"):
        require(shutil.which(name) is not None, f"{name} is not installed ({name})")
    made = Podman()
    try:
        made.build()
        yield made
    finally:
        made.destroy()
