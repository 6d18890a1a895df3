"""A runtime that a storm is of: how its containers are run, and how mozu is configured to find it."""

from pathlib import Path
from typing import Final, Protocol

from tests.storms.image import IMAGE, PROGRAM, layer
from tests.support.containerd import Containerd, docker_archive
from tests.support.cri import Pods
from tests.support.docker import DockerEngine
from tests.support.podman import Podman

PODS: Final = 10


class Stand(Protocol):
    """One runtime with the image of the storm."""

    name: str
    has_pods: bool

    @property
    def socket(self) -> Path | None:
        """Of its server, if it has one."""

    def prepare(self) -> None:
        """Give it the image."""

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""

    def enricher(self, socket: Path | None) -> str:
        """The entry of the configuration, as YAML; another socket than its own where one is given."""

    def kill(self) -> None:
        """SIGKILL to its server, if it has one."""

    def stop(self) -> None:
        """Stop it in good order."""

    def start(self) -> None:
        """Start it again."""


class DockerStand:
    """`docker run --rm`."""

    name = "docker"
    has_pods = False

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine
        self.start, self.stop, self.kill, self.socket = engine.start, engine.stop, engine.kill, engine.socket

    def prepare(self) -> None:
        """Give it the image."""
        self.engine.docker("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.engine.run(PROGRAM, image=IMAGE, options=("--name", name))

    def enricher(self, socket: Path | None) -> str:
        """Its socket and its files."""
        return f"docker: {{socket: {socket or self.engine.socket}, data_root: {self.engine.data_root}}}"


class ContainerdStand:
    """`ctr run --rm`."""

    name = "containerd (ctr)"
    has_pods = False

    def __init__(self, server: Containerd) -> None:
        self.server = server
        self.start, self.stop, self.kill, self.socket = server.start, server.stop, server.kill, server.socket

    def prepare(self) -> None:
        """Give it the image."""
        archive = self.server.root / "first.tar"
        archive.write_bytes(docker_archive(layer(), IMAGE))
        self.server.ctr("images", "import", "--snapshotter", "native", archive)

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.server.ctr("run", "--rm", "--snapshotter", "native", IMAGE, name, PROGRAM)

    def enricher(self, socket: Path | None) -> str:
        """Its socket and its state directory."""
        places = f"state: {self.server.state}, root: {self.server.root / 'root'}"
        return f"containerd: {{socket: {socket or self.server.socket}, {places}}}"


class CriStand:
    """Containers in ten pods; they are removed with these."""

    name = "containerd (CRI)"
    has_pods = True

    def __init__(self, pods: Pods) -> None:
        self.pods = pods
        server = pods.server
        self.start, self.stop, self.kill, self.socket = server.start, server.stop, server.kill, server.socket
        self._sandboxes: list[str] = []

    def prepare(self) -> None:
        """Give it the image, and make the pods."""
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
        """The pods."""
        self.pods.remove(*self._sandboxes)
        self._sandboxes.clear()

    def enricher(self, socket: Path | None) -> str:
        """Its socket, and containerd's files."""
        used = socket or self.pods.server.socket
        places = f"state: {self.pods.server.state}, root: {self.pods.server.root / 'root'}"
        settings = f"containerd: {{socket: {used}, {places}}}, cri: {{sockets: [{used}]}}"
        return f"containers: {{docker: null, podman: null, {settings}}}"


class PodmanStand:
    """`podman run --rm`; it has no server."""

    name = "podman"
    has_pods = False
    socket = None

    def __init__(self, podman: Podman) -> None:
        self.podman = podman

    def prepare(self) -> None:
        """Give it the image."""
        self.podman.podman("import", "-", IMAGE, stdin=layer())

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.podman.run("--name", name, command=(PROGRAM,), image=IMAGE)

    def enricher(self, socket: Path | None) -> str:
        """Its storage."""
        return f"podman: {{storage: [{self.podman.storage}]}}"

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def kill(self) -> None:
        """Nothing to end."""
