"""Stands: runtimes that storms use, with the way to run a container and mozu's configuration for it."""

from pathlib import Path
from typing import Final, Protocol

from tests.storms.image import IMAGE, PROGRAM, layer
from tests.support.containerd import Containerd, docker_archive
from tests.support.cri import Pods
from tests.support.docker import DockerEngine
from tests.support.podman import Podman

PODS: Final = 10


class Stand(Protocol):
    """Runtime that has the image of the storm."""

    name: str
    has_pods: bool

    @property
    def socket(self) -> Path | None:
        """Return the socket of the runtime's server, or None if it has no server."""

    def prepare(self) -> None:
        """Make the image known to the runtime."""

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry of the configuration as YAML, with `socket` in place of the runtime's own if
        given.
        """

    def kill(self) -> None:
        """Send SIGKILL to the runtime's server, if it has one."""

    def stop(self) -> None:
        """Stop the runtime's server in good order."""

    def start(self) -> None:
        """Start the runtime's server again."""


class DockerStand:
    """Stand of `docker run --rm`."""

    name = "docker"
    has_pods = False

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine
        self.start, self.stop, self.kill, self.socket = engine.start, engine.stop, engine.kill, engine.socket

    def prepare(self) -> None:
        """Make the image known to the runtime."""
        self.engine.docker("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.engine.run(PROGRAM, image=IMAGE, options=("--name", name))

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry with the engine's socket and data root."""
        return f"docker: {{socket: {socket or self.engine.socket}, data_root: {self.engine.data_root}}}"


class ContainerdStand:
    """Stand of `ctr run --rm`."""

    name = "containerd (ctr)"
    has_pods = False

    def __init__(self, server: Containerd) -> None:
        self.server = server
        self.start, self.stop, self.kill, self.socket = server.start, server.stop, server.kill, server.socket

    def prepare(self) -> None:
        """Make the image known to the runtime."""
        archive = self.server.root / "first.tar"
        archive.write_bytes(docker_archive(layer(), IMAGE))
        self.server.ctr("images", "import", "--snapshotter", "native", archive)

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.server.ctr("run", "--rm", "--snapshotter", "native", IMAGE, name, PROGRAM)

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry with containerd's socket, state directory and root."""
        places = f"state: {self.server.state}, root: {self.server.root / 'root'}"
        return f"containerd: {{socket: {socket or self.server.socket}, {places}}}"


class CriStand:
    """Stand of containers in ten pods; the containers are removed with the pods."""

    name = "containerd (CRI)"
    has_pods = True

    def __init__(self, pods: Pods) -> None:
        self.pods = pods
        server = pods.server
        self.start, self.stop, self.kill, self.socket = server.start, server.stop, server.kill, server.socket
        self._sandboxes: list[str] = []

    def prepare(self) -> None:
        """Make the image known to the runtime, and make the pods."""
        archive = self.pods.server.root / "first.tar"
        archive.write_bytes(docker_archive(layer(), IMAGE))
        self.pods.server.ctr("-n", "k8s.io", "images", "import", "--snapshotter", "native", archive)
        if not self._sandboxes:
            made = (self.pods.pod(f"pod-{number}", labels={"app": f"app-{number}"}) for number in range(PODS))
            self._sandboxes = list(made)

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        sandbox = self._sandboxes[int(name.rpartition("-")[2]) % PODS]
        container = self.pods.container(sandbox, name, PROGRAM, image=IMAGE)
        self.pods.ended(container)
        self.pods.remove_container(container)

    def remove(self) -> None:
        """Remove the pods."""
        self.pods.remove(*self._sandboxes)
        self._sandboxes.clear()

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry with the CRI socket and containerd's files."""
        used = socket or self.pods.server.socket
        places = f"state: {self.pods.server.state}, root: {self.pods.server.root / 'root'}"
        settings = f"containerd: {{socket: {used}, {places}}}, cri: {{sockets: [{used}]}}"
        return f"containers: {{docker: null, podman: null, {settings}}}"


class PodmanStand:
    """Stand of `podman run --rm`, which has no server."""

    name = "podman"
    has_pods = False
    socket = None

    def __init__(self, podman: Podman) -> None:
        self.podman = podman

    def prepare(self) -> None:
        """Make the image known to the runtime."""
        self.podman.podman("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.podman.run("--name", name, command=(PROGRAM,), image=IMAGE)

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry with podman's storage."""
        return f"podman: {{storage: [{self.podman.storage}]}}"

    def start(self) -> None:
        """Do nothing: there is no server to start."""

    def stop(self) -> None:
        """Do nothing: there is no server to stop."""

    def kill(self) -> None:
        """Do nothing: there is no server to kill."""
