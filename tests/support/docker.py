"""A private docker engine: a real dockerd with its own containerd, data, sockets and images, which leaves no trace.

Needs root, dockerd, containerd, a docker command line and a static busybox; no network, no running engine, no
systemd.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pytest

from tests.support.below_systemd import below_systemd
from tests.support.requirements import require
from tests.support.shims import end_below
from tests.support.split import needs_live

PATIENCE: Final = 60.0
"""Seconds within which an expected event must happen."""

IMAGE: Final = "registry.example:5000/team/box:1.2"
"""Name of the image, which was never pushed or pulled."""

LABELS: Final = {"org.example.team": "perch", "org.example.flag": ""}
"""The image's labels."""

PASSWD: Final = "root:x:0:0:root:/root:/bin/sh\nmagpie:x:4711:4712::/nest:/bin/sh\n"
GROUP: Final = "root:x:0:\ncorvids:x:4712:magpie\n"

_LINKS: Final = (
    "adduser", "arping", "base64", "cat", "chmod", "chroot", "cp", "echo", "id", "ip", "ln", "ls", "mkdir", "mknod",
    "mount", "nc", "rm", "sh", "sleep", "tar", "touch", "true", "unshare", "vi", "wget",
)  # fmt: skip
_PACKAGE_MANAGER: Final = "#!/bin/sh\n: pretends to update its lists\nexec true\n"
_BOUNDED: Final = """#!/usr/bin/python3
import json, os, pathlib, sys
words = sys.argv[1:]
after = dict(zip(words, words[1:]))
for place in (after.get("--process"), "create" in words and after["--bundle"] + "/config.json"):
    if place:
        path = pathlib.Path(place)
        config = json.loads(path.read_text())
        for names in config.get("process", config).get("capabilities", {}).values():
            names[:] = [name for name in names if name != "CAP_SYS_RESOURCE"]
        path.write_text(json.dumps(config))
os.execvp("runc", ["runc", *words])
"""
"""An OCI runtime: runc, asked for everything but CAP_SYS_RESOURCE, which not every machine can grant."""
_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}


class DockerEngine:
    """A dockerd below its own directory. `start` and `stop` it as often as needed; `destroy` it at the end."""

    def __init__(self, storage_driver: str = "", cgroup_parent: str = "/docker") -> None:
        """Prepare the engine. `storage_driver`: that of dockerd; if empty, dockerd chooses."""
        self.root = Path(mkdtemp(prefix="mozu-docker-", dir="/tmp"))
        self._cgroup_parent = cgroup_parent
        self.socket = self.root / "docker.sock"
        self.data_root = self.root / "data"
        self._log = self.root / "log"
        self._process: subprocess.Popen[bytes] | None = None
        bounded = self.root / "bounded"
        bounded.write_text(_BOUNDED)
        bounded.chmod(0o755)
        config: dict[str, object] = {"runtimes": {"bounded": {"path": str(bounded)}}}
        if storage_driver:
            config["storage-driver"] = storage_driver
        (self.root / "daemon.json").write_text(json.dumps(config))

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *below_systemd("dockerd", "--config-file", self.root / "daemon.json"),
                    *("--host", f"unix://{self.socket}", "--data-root", self.data_root),
                    *("--exec-root", self.root / "exec", "--pidfile", self.root / "pid"),
                    *("--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"),
                    *("--shutdown-timeout", "5", "--cgroup-parent", self._cgroup_parent),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        _until(self._answers, f"the docker engine answers; its log ends with\n{self._tail()}")

    def stop(self) -> None:
        """Stop the engine with its containerd and its containers, as an init system would."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()
            process.wait()
        self._kill_rest()

    def kill(self) -> None:
        """End the engine at once, and the processes that it has left running."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE)
        self._kill_rest()
        (self.root / "pid").unlink(missing_ok=True)

    def destroy(self) -> None:
        """Stop everything and remove all files."""
        if self._process is not None:
            with suppress(subprocess.SubprocessError, AssertionError):  # no answer: the processes are killed below
                containers = self.docker("ps", "--all", "--quiet").split()
                if containers:
                    self.docker("rm", "--force", *containers)
        self.stop()
        for place in _mounts_below(self.root):
            subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def docker(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run the docker command line against this engine; return its standard output without the line end."""
        done = subprocess.run(
            ["docker", "--host", f"unix://{self.socket}", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=PATIENCE,
            env=_ENVIRONMENT,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"docker {' '.join(map(str, arguments))}: {done.stderr.decode()}")
        return done.stdout.decode(errors="replace").rstrip("\n")  # a test reads a block device with arbitrary content

    def run(self, *command: str, image: str = IMAGE, options: tuple[str, ...] = ()) -> str:
        """Run a container to its end and remove it; return its output."""
        return self.docker("run", "--rm", "--network", "none", *options, image, *command)

    def begin(self, *command: str, image: str = IMAGE, options: tuple[str, ...] = ()) -> str:
        """Begin a container; return its full id."""
        fixed = ("--detach", "--network", "none", "--stop-timeout", "1")
        return self.docker("run", *fixed, *options, image, *(command or ("sleep", "1000")))

    def pid(self, container: str) -> int:
        """Return the pid, in the host's numbers, of the first process of a running container."""
        return int(self.docker("inspect", "--format", "{{.State.Pid}}", container))

    def inspect(self, container: str) -> dict[str, Any]:
        """Return the engine's description of a container."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", container))
        return found[0]

    def remove(self, *containers: str) -> None:
        """Kill and remove containers."""
        self.docker("rm", "--force", *containers)

    def build(self, image: str = IMAGE) -> None:
        """Make the image out of a static busybox."""
        changes = [f"LABEL {key}={json.dumps(value)}" for key, value in LABELS.items()]
        options = [option for change in changes for option in ("--change", change)]
        self.docker("import", *options, "-", image, stdin=filesystem())

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"dockerd has ended; its log ends with\n{self._tail()}")
        with suppress(AssertionError):
            self.docker("version", "--format", "{{.Server.Version}}")
            return True
        return False

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:]) if self._log.exists() else ""

    def _kill_rest(self) -> None:
        """End the processes that the engine left running, its containerd and shims, and unmount what they hold."""
        _until(lambda: not end_below(self.root), "the processes of the docker engine have ended")


def filesystem() -> bytes:
    """Return a tar of the image's files: busybox under several names, own users, and a package manager that only
    pretends."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name in ("bin", "etc", "root", "tmp", "nest", "usr", "usr/bin"):
            _add(tar, name, kind=tarfile.DIRTYPE, mode=0o755)
        _add(tar, "bin/busybox", static_busybox().read_bytes(), mode=0o755)
        for name in _LINKS:
            _add(tar, f"bin/{name}", kind=tarfile.SYMTYPE, link="busybox")
        _add(tar, "usr/bin/apt-get", _PACKAGE_MANAGER.encode(), mode=0o755)
        _add(tar, "etc/passwd", PASSWD.encode(), mode=0o644)
        _add(tar, "etc/group", GROUP.encode(), mode=0o644)
    return target.getvalue()


def docker_engine(storage_driver: str = "") -> Iterator[DockerEngine]:
    """Yield a running engine with the image IMAGE; skip, or fail in CI, if there can be none. The body of a fixture."""
    require(os.geteuid() == 0, "a docker engine of one's own needs root")
    for name, package in (("dockerd", "docker.io"), ("docker", "docker.io"), ("containerd", "containerd")):
        require(shutil.which(name, path=_ENVIRONMENT["PATH"]) is not None, f"{name} is not installed ({package})")
    require(static_busybox().exists(), "there is no static busybox (busybox-static)")
    engine = DockerEngine(storage_driver)
    try:
        engine.start()
        engine.build()
        yield engine
    finally:
        engine.destroy()


@pytest.fixture(scope="session")
@needs_live
def docker() -> Iterator[DockerEngine]:
    """Yield an engine for all tests of a session."""
    yield from docker_engine()


@pytest.fixture
@needs_live
def own_docker() -> Iterator[DockerEngine]:
    """Yield an engine for a test that stops and starts it."""
    yield from docker_engine()


def static_busybox() -> Path:
    """Return the first busybox that needs no interpreter (a loader of shared libraries)."""
    for folder in _ENVIRONMENT["PATH"].split(":"):
        path = Path(folder, "busybox")
        if path.exists() and b"/ld-linux" not in path.read_bytes()[:4096]:
            return path
    return Path("/bin/busybox.static")


def _add(
    tar: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o777,
    link: str = "",
) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.size = kind, mode, link, len(content)
    tar.addfile(info, io.BytesIO(content))


def _mounts_below(root: Path) -> list[str]:
    """Return the mount points below a directory, the deepest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{root}/")), key=len, reverse=True)


def _until(test: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not test():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.05)
