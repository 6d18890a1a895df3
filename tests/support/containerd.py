"""A private containerd with its own directories, socket and images, which leaves no trace.

Needs root, containerd, runc and a static busybox; no network and no running engine.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pytest

from tests.support.below_systemd import below_systemd
from tests.support.docker import IMAGE, LABELS, PATIENCE, filesystem
from tests.support.remains import without_remains
from tests.support.requirements import require
from tests.support.shims import end_below
from tests.support.split import needs_live

_CONFIG: Final = """\
version = 2
root = "{root}/root"
state = "{root}/state"
[grpc]
  address = "{root}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
"""

SANDBOX_IMAGE: Final = "registry.example:5000/pause:3"
"""Image that CRI runs as the pause container of a pod."""


class Containerd:
    """A containerd below its own directory. `start` and `stop` it as often as needed; `destroy` it at the end."""

    def __init__(self, snapshotter: str = "native") -> None:
        self._snapshotter = snapshotter
        self.root = Path(mkdtemp(prefix="mozu-containerd-", dir="/tmp"))
        self.state = self.root / "state"
        self.socket = self.root / "containerd.sock"
        self._config = self.root / "config.toml"
        self._config.write_text(_CONFIG.format(root=self.root, sandbox=SANDBOX_IMAGE))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                below_systemd("containerd", "--config", self._config),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(AssertionError):
                self.ctr("version")
                return
            assert time.monotonic() < deadline, (self.root / "log").read_text(errors="replace")[-2000:]
            time.sleep(0.05)  # a starting server can only be detected by its answer

    def stop(self) -> None:
        """Stop the server; containers run on, as they do when it is restarted."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(PATIENCE)

    def kill(self) -> None:
        """End the server at once, with its socket and its connections left as they are."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE)

    def destroy(self) -> None:
        """Stop everything and remove all files."""
        if self._process is None:
            self.start()
        for namespace in self.ctr("namespaces", "ls", "--quiet").split():
            for name in self.ctr("-n", namespace, "containers", "ls", "--quiet").split():
                self.remove(name, namespace=namespace)
        self.stop()
        while end_below(self.root):  # shims of containers begun during a kill, which containerd does not know
            time.sleep(0.05)
        for point in _mounts_below(self.root):
            subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def ctr(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run ctr against this containerd; return its standard output."""
        done = subprocess.run(
            ["ctr", "--address", self.socket, *arguments],
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        said = f"{done.returncode}, {done.stderr.decode()}"
        assert done.returncode == 0, f"ctr {' '.join(map(str, arguments))[:400]}: exit code {said}"
        return done.stdout.decode()

    def build(self, namespace: str = "default") -> None:
        """Make the image IMAGE out of a static busybox."""
        self._import(docker_archive(), namespace)

    def build_sandbox(self, namespace: str) -> None:
        """Make the image SANDBOX_IMAGE, which sleeps."""
        self._import(docker_archive(image=SANDBOX_IMAGE, entry_point=("/bin/sleep", "100000")), namespace)

    def _import(self, archive: bytes, namespace: str) -> None:
        (self.root / "image.tar").write_bytes(archive)
        self.ctr("-n", namespace, "images", "import", "--snapshotter", self._snapshotter, self.root / "image.tar")

    def begin(self, name: str, *options: str, namespace: str = "default", command: tuple[str, ...] = ()) -> None:
        """Begin a container."""
        fixed = ("run", "--detach", "--snapshotter", self._snapshotter)
        self.ctr("-n", namespace, *fixed, *options, IMAGE, name, *(command or ("sleep", "1000")))

    def pid(self, name: str, namespace: str = "default") -> int:
        """Return the pid of the first process of a running container."""
        rows = (row.split() for row in self.ctr("-n", namespace, "tasks", "ls").splitlines())
        return next(int(row[1]) for row in rows if row[0] == name)

    def remove(self, name: str, namespace: str = "default") -> None:
        """Kill and remove a container."""
        with suppress(AssertionError):  # the container has no task any more
            self.ctr("-n", namespace, "tasks", "delete", "--force", name)
        self.ctr("-n", namespace, "containers", "delete", name)


def docker_archive(layer: bytes | None = None, image: str = IMAGE, entry_point: tuple[str, ...] = ()) -> bytes:
    """Return an image in the format of `docker save` with one layer (a tar), by default that of a static busybox."""
    layer = layer or filesystem()
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": LABELS, "Env": ["PATH=/bin"], "Entrypoint": entry_point},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [image], "Layers": ["layer.tar"]}]).encode()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for path, content in ((name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target.getvalue()


def containerd_engine(snapshotter: str = "native") -> Iterator[Containerd]:
    """Yield a running containerd with the image IMAGE; skip, or fail in CI, if there can be none. The body of a
    fixture."""
    require(os.geteuid() == 0, "a containerd of one's own needs root")
    for name, package in (("containerd", "containerd"), ("ctr", "containerd"), ("runc", "runc")):
        require(shutil.which(name) is not None, f"{name} is not installed ({package})")
    server = Containerd(snapshotter)
    try:
        server.start()
        server.build()
        yield server
    finally:
        server.destroy()


@pytest.fixture(scope="session")
@needs_live
def containerd() -> Iterator[Containerd]:
    """Yield a containerd for all tests of a session."""
    yield from containerd_engine()


@pytest.fixture
@needs_live
def own_containerd() -> Iterator[Containerd]:
    """Yield a containerd for a test that stops, kills and starts it."""
    with without_remains():
        yield from containerd_engine()


def _mounts_below(root: Path) -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{root}/")), key=len, reverse=True)
